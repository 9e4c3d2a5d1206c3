import type { Actor } from "./actor.ts";
import type { Role } from "./role.ts";

/**
 * What there is to be allowed: looking; making something happen; answering for it; ending or undoing it, which is never
 * harder than beginning it; changing who may do what.
 */
export type Permission = "read" | "operate" | "approve" | "stop" | "administer";

/** Any one of these is enough. */
const enough: Readonly<Record<Permission, readonly Role[]>> = {
  read: ["viewer", "operator", "approver", "admin"],
  operate: ["operator"],
  approve: ["approver"],
  stop: ["operator", "approver", "admin"],
  administer: ["admin"],
};

/** What is done in an environment or with a run of it, and what that takes. */
export const permissionOf = {
  deploy: "operate",
  approve: "approve",
  reject: "approve",
  attest: "operate",
  resolve: "operate",
  hold: "operate",
  resume: "operate",
  abort: "stop",
  rollback: "stop",
  unlock: "operate",
  freeze: "stop",
  thaw: "operate",
  override: "approve",
  "close a task": "operate",
  "make read-only": "stop",
  "make writable": "operate",
  "remove archived rows": "operate",
} as const satisfies Record<string, Permission>;
export type Verb = keyof typeof permissionOf;

/**
 * Why somebody may not do that, as a sentence part; undefined when they may. Roles are asked for as soon as there are users, and
 * where the environment is protected. A name that nobody has checked then does nothing but stop: whoever has lost their token
 * can still end a run and go back.
 */
export function whyMayNot(
  actor: Actor,
  verb: Verb,
  { areUsers, isProtected }: { areUsers: boolean; isProtected: boolean },
): string | undefined {
  if (!areUsers || !isProtected) return undefined;
  const permission = permissionOf[verb];
  if (actor.checked.by !== "none") return whyNotPermitted(actor, permission);
  return permission === "stop" ? undefined : `nobody has checked who ${actor.name} is`;
}

/** Why somebody whose identity is known may not do that, as a sentence part; undefined when they may. */
export function whyNotPermitted({ name, roles, kind }: Actor, permission: Permission): string | undefined {
  const wanted = enough[permission];
  if (!roles.some((role) => wanted.includes(role)))
    return `${name} is not ${wanted.map((role) => `${/^[aeiou]/.test(role) ? "an" : "a"} ${role}`).join(" or ")}`;
  return permission === "administer" && kind !== "human" ? `${name} acts through an agent` : undefined;
}
