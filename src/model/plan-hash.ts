import { hashJson } from "../lib/hash.ts";
import type { Plan } from "./plan.ts";

/** SHA-256 over the canonical JSON of the plan without hash, createdAt and how long the gates took. */
export function planHash(plan: Omit<Plan, "hash" | "createdAt"> & Partial<Plan>): string {
  const { hash: _hash, createdAt: _createdAt, ...content } = plan;
  return hashJson({ ...content, gates: plan.gates.map(({ durationMs: _durationMs, ...gate }) => gate) });
}
