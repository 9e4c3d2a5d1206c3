import type { BackfillReplacement } from "../define-rule.ts";
import type { LintFile } from "../lint-file.ts";
import { rewriteFile, type RewriteOptions, type RewrittenFile } from "../rewrite/rewrite-file.ts";

/** What stands for one file when nothing more can be rewritten. */
export interface FileFix {
  /** In their order; `file` is not a name yet. */
  files: { suffix: string | undefined; lint: LintFile }[];
  /** Between the files before the phase contract and those of it. */
  backfills: BackfillReplacement["backfill"][];
  /** Rules that were answered. */
  rules: string[];
  declared: RewrittenFile["declared"];
  notes: string[];
}

/** A rewrite that is rewritten again and again would be a defect of the rules. */
const MAX_ROUNDS = 10;

/**
 * Rewrites one file, and what comes of it, until no rule rewrites anything more. `earlier` are the files before it as
 * they will be. Undefined when there is nothing to rewrite; a reason when something keeps it from being rewritten.
 */
export async function fixFile(
  earlier: readonly LintFile[],
  file: LintFile,
  options: RewriteOptions,
): Promise<FileFix | { reason: string } | undefined> {
  const fix: FileFix = {
    files: [{ suffix: undefined, lint: file }],
    backfills: [],
    rules: [],
    declared: [],
    notes: [],
  };
  const reasons: string[] = [];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next: FileFix["files"] = [];
    let isChanged = false;
    for (const [position, { suffix, lint }] of fix.files.entries()) {
      const before = next.map((each) => each.lint);
      const inBatch = options.isOneBatch === true ? [...(options.inBatch ?? []), ...before] : [];
      const rewritten = await rewriteFile([...earlier, ...before], lint, {
        ...options,
        inBatch,
        followers: [...behind(fix.files.slice(position + 1)), ...(options.followers ?? [])],
      });
      if (rewritten === undefined || "reason" in rewritten) {
        if (rewritten !== undefined) reasons.push(rewritten.reason);
        next.push({ suffix, lint });
        continue;
      }
      isChanged = true;
      fix.rules.push(...rewritten.answered.map(({ rule }) => rule));
      fix.declared.push(...rewritten.declared);
      // A down section that a rewrite made is no loss of the reader's.
      if (file.down !== undefined) fix.notes.push(...rewritten.notes);
      for (const [index, piece] of rewritten.pieces.entries()) {
        if (piece.kind === "backfill") fix.backfills.push(piece.backfill);
        else {
          const { kind: _kind, suffix: own, down, ...parts } = piece;
          const { down: _down, ...kept } = lint;
          const name = `${lint.file}~${round}.${index}`;
          const read = {
            ...kept,
            ...parts,
            file: name,
            firstLine: 1,
            ...(down === undefined ? {} : { down }),
          };
          next.push({ suffix: own ?? suffix, lint: read });
        }
      }
    }
    fix.files = [
      ...next.filter(({ lint }) => lint.phase !== "contract"),
      ...next.filter(({ lint }) => lint.phase === "contract"),
    ];
    if (!isChanged) break;
    if (round === MAX_ROUNDS - 1)
      return { reason: "The rules rewrite it again and again: write the safe form by hand." };
  }
  if (fix.rules.length === 0) return reasons[0] === undefined ? undefined : { reason: reasons[0] };
  return { ...fix, rules: [...new Set(fix.rules)], notes: [...new Set(fix.notes)] };
}

/** What runs before anything that is moved to a backfill or to the phase contract. */
function behind(files: FileFix["files"]): LintFile[] {
  return files.map(({ lint }) => lint).filter(({ phase }) => phase !== "contract");
}
