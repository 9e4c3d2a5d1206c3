import type { Plan } from "../model/plan.ts";

/** Inputs whose digest differs, or that only one of the plans has: "release files of v2 (was 3fa1…, is 77b0…)". */
export function movedInputs(before: Pick<Plan, "inputs">, now: Pick<Plan, "inputs">): string[] {
  const digests = new Map(now.inputs.map(({ name, digest }) => [name, digest]));
  const moved = before.inputs
    .filter(({ name, digest }) => digests.get(name) !== digest)
    .map(({ name, digest }) => `${name} (was ${brief(digest)}, is ${brief(digests.get(name) ?? "gone")})`);
  const known = new Set(before.inputs.map(({ name }) => name));
  const added = now.inputs.filter(({ name }) => !known.has(name)).map(({ name }) => `${name} (new)`);
  return [...moved, ...added];
}

function brief(digest: string): string {
  return /^[0-9a-f]{64}$/.test(digest) ? `${digest.slice(0, 12)}…` : digest;
}
