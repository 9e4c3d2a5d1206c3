import type { Actor } from "./actor.ts";

/** "ann (password)", "ann (agent, token t1)", "ann (a name that nobody has checked)". */
export function actorText({ name, checked, kind }: Actor): string {
  if (checked.by === "none") return `${name} (a name that nobody has checked)`;
  const how = checked.by === "token" ? `token ${checked.token}` : "password";
  return `${name} (${kind === "agent" ? "agent, " : ""}${how})`;
}

/** What an event says of who acted. */
export function actorRecord({ name, checked, kind, roles: had }: Actor) {
  const how =
    checked.by === "token" ? { checked: checked.by, token: checked.token } : { checked: checked.by };
  return { name, ...how, kind, roles: had };
}
