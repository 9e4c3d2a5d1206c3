import { readFile } from "node:fs/promises";
import { TminusError } from "../errors.ts";
import { planHash } from "../model/plan-hash.ts";
import { planSchema, type Plan } from "../model/plan.ts";

/** Larger files are no plans. */
const MAX_BYTES = 16 * 1024 * 1024;

/** A plan that `tminus plan -o` wrote and nobody edited. Errors: PLAN_UNREADABLE. */
export async function readPlanFile(path: string): Promise<Plan> {
  const parsed = planSchema.safeParse(await readJson(path));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw unreadable(path, `${issue?.path.join(".") ?? ""} ${issue?.message ?? "is not a plan"}`.trim());
  }
  const plan = parsed.data;
  if (planHash(plan) !== plan.hash) throw unreadable(path, "its content does not match its hash");
  return plan;
}

async function readJson(path: string): Promise<unknown> {
  try {
    const text = await readFile(path, "utf8");
    if (text.length > MAX_BYTES) throw new RangeError("it is too large");
    return JSON.parse(text);
  } catch (error) {
    throw unreadable(path, error instanceof Error ? error.message : String(error), error);
  }
}

function unreadable(path: string, reason: string, cause?: unknown): TminusError {
  return new TminusError("PLAN_UNREADABLE", `${path}: ${reason}`, { details: { path }, cause });
}
