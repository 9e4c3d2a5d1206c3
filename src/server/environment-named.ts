import type { Tminus } from "../model/tminus.ts";

/** The name as the runbook has it; undefined for all of them. Errors: ENVIRONMENT_UNKNOWN. */
export function environmentNamed(tminus: Tminus, name: string | undefined): string | undefined {
  return name === undefined ? undefined : tminus.environment(name).name;
}
