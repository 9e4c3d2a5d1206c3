import type { Actor } from "./actor.ts";
import { emergencyName } from "./emergency.ts";
import { sameName } from "./person-name.ts";
import type { Plan } from "./plan.ts";

/**
 * Why somebody may not start a plan of a protected environment, as a sentence: it goes past a gate, or past the windows, by their
 * own word. Undefined when they may.
 */
export function whyNotByOwnWord({ gates, emergency, environment }: Plan, name: string): string | undefined {
  if (!environment.protected) return undefined;
  if (emergency !== undefined && sameName(emergency.by, name))
    return `${emergency.by} declared emergency ${emergencyName(emergency)}, and cannot start the run that it lets through`;
  const gate = gates.find(({ waiver }) => waiver !== undefined && sameName(waiver.by, name));
  return gate === undefined
    ? undefined
    : `${gate.waiver!.by} let gate ${gate.id} pass, and cannot start the run that it lets through`;
}

/** Why somebody whose identity is known may not declare an emergency, as a sentence; undefined when they may. */
export function whyNotEmergency({
  name,
  kind,
  roles,
}: Pick<Actor, "name" | "kind" | "roles">): string | undefined {
  return kind === "human" && roles.includes("approver")
    ? undefined
    : `${name} may not declare an emergency: that takes an approver who is a person`;
}
