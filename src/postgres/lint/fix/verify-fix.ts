import { hasCode } from "../../../errors.ts";
import type { ScratchServer } from "../../../model/ports.ts";
import { compareFingerprints, keyOf } from "../../drift/compare.ts";
import { replayInShadow, type ShadowOutcome } from "../../drift/shadow.ts";
import { splitStatements } from "../../sql/statements.ts";
import type { LintFile } from "../lint-file.ts";
import type { FixPlan } from "./plan-fix.ts";

export type FixVerdict =
  /** Both run on an empty database and end with the same schema, but for what is declared. */
  | { state: "same"; differs: { object: string; because: string }[] }
  /** The new files run; the original ones do not, so that there is nothing to compare with. */
  | { state: "runs"; reason: string }
  /** They must not be written: objects that would be others, or why the new files do not run. */
  | { state: "wrong"; reason: string }
  | { state: "not verified"; reason: string };

export interface VerifyOptions {
  scratch: ScratchServer;
  signal: AbortSignal;
  progress: (text: string) => void;
}

/**
 * Runs all files as they are and as they would be, each in a throw-away database without rows, and compares the
 * schemas. Backfills are left out: there is nothing to fill.
 */
export async function verifyFix(plan: FixPlan, options: VerifyOptions): Promise<FixVerdict> {
  let before: ShadowOutcome;
  let after: ShadowOutcome;
  try {
    after = await replay(plan, plan.after, options);
    if (after.state === "failed") return { state: "wrong", reason: `as rewritten, ${after.reason}` };
    before = await replay(plan, plan.before, options);
  } catch (error) {
    if (!hasCode(error, "STATE_UNAVAILABLE", "STATE_PLATFORM")) throw error;
    return { state: "not verified", reason: `there is no server to try it on: ${error.message}` };
  }
  if (before.state === "failed") return { state: "runs", reason: before.reason };
  const declared = plan.fixed.flatMap((file) => file.declared.flatMap(({ differs = [] }) => differs));
  const meant = new Set(declared.map(({ object }) => object));
  const other = compareFingerprints(before.fingerprint, after.fingerprint)
    .map(keyOf)
    .filter((object) => !meant.has(object));
  if (other.length > 0)
    return { state: "wrong", reason: `the schema would not end the same: ${other.slice(0, 20).join(", ")}` };
  return { state: "same", differs: declared };
}

function replay(
  { format }: FixPlan,
  files: readonly LintFile[],
  options: VerifyOptions,
): Promise<ShadowOutcome> {
  const migrations = files.map(({ file, sql, transactional }) => ({
    file,
    transactional,
    up: splitStatements(sql).statements,
  }));
  return replayInShadow(migrations, { ...options, format, roles: [], fingerprint: {} });
}
