import type { Actor } from "./actor.ts";

/** "ann (password)", "ann (agent, token t1)", "ann (a name that nobody has checked)". */
export function actorText({ name, checked, kind }: Actor): string {
  if (checked.by === "none") return `${name} (a name that nobody has checked)`;
  const how =
    checked.by === "token"
      ? `token ${checked.token}`
      : checked.by === "oidc"
        ? `signed in by ${checked.issuer}`
        : "password";
  return `${name} (${kind === "agent" ? "agent, " : ""}${how})`;
}

/** What an event says of who acted. */
export function actorRecord({ name, checked, kind, roles: had }: Actor) {
  const { by, ...details } = checked;
  return { name, checked: by, ...details, kind, roles: had };
}
