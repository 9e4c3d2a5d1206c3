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

/** Why somebody whose identity is known may not do that, as a sentence part; undefined when they may. */
export function whyNotPermitted({ name, roles, kind }: Actor, permission: Permission): string | undefined {
  const wanted = enough[permission];
  if (!roles.some((role) => wanted.includes(role)))
    return `${name} is not ${wanted.map((role) => `${/^[aeiou]/.test(role) ? "an" : "a"} ${role}`).join(" or ")}`;
  return permission === "administer" && kind !== "human" ? `${name} acts through an agent` : undefined;
}
