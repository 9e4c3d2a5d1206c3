import { hashJson } from "../lib/hash.ts";
import type { Plan } from "./plan.ts";

/**
 * SHA-256 over the canonical JSON of the plan without hash, createdAt and window. Of a gate its verdict counts and who waived
 * it, not its words: a certificate has a day less each day, and every run of a test prints other numbers.
 */
export function planHash(plan: Omit<Plan, "hash" | "createdAt"> & Partial<Plan>): string {
  const { hash: _hash, createdAt: _createdAt, window: _window, ...content } = plan;
  const gates = plan.gates.map(({ id, kind, title, verdict, waiver }) => ({
    id,
    kind,
    title,
    verdict,
    ...(waiver && { waiver }),
  }));
  return hashJson({ ...content, gates });
}
