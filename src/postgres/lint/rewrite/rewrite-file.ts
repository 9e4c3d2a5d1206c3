import { SEVERITIES, type Finding, type Severity } from "../finding.ts";
import type { LintStatement, Rewrite } from "../define-rule.ts";
import { lint, type LintOptions } from "../lint.ts";
import type { LintFile } from "../lint-file.ts";
import { statementsOf } from "../statements-of.ts";
import { cutFile } from "./cut-file.ts";
import type { Piece } from "./piece.ts";
import { splitCommands } from "./split-commands.ts";
import { isOneOfMany } from "./rewrite-of.ts";

export interface RewrittenFile {
  /**
   * In the order in which they run: files of expand and migrate, backfills, files of the phase contract. The order
   * of the statements is kept among the files of each. Empty: nothing of the file is left to run.
   */
  pieces: Piece[];
  /** Which findings it answers: as they were found in the original. */
  answered: Finding[];
  /** What the rewrites declare to be different on purpose. */
  declared: Pick<Rewrite, "differs" | "otherValues" | "ends">[];
  /** What is not kept, in words. */
  notes: string[];
}

export interface RewriteOptions extends Omit<LintOptions, "isAsked" | "rewrites"> {
  /** Files before it that run in one go with it, when `isOneBatch`. */
  inBatch?: readonly LintFile[];
  /** Findings of these are rewritten. */
  severities?: readonly Severity[];
}

/**
 * Rewrites what can be rewritten in one file, once: the pieces may hold what can be rewritten again. `earlier` are
 * the files before it. Undefined when there is nothing that a rule rewrites; a reason when the file cannot be cut up.
 * Pure but for loading the parser. Does not write, and does not know whether the file has run.
 */
export async function rewriteFile(
  earlier: readonly LintFile[],
  file: LintFile,
  options: RewriteOptions,
): Promise<RewrittenFile | { reason: string } | undefined> {
  const lintOne = (asked: LintFile): Promise<Finding[]> => findingsOf(earlier, asked, options);
  const original = await lintOne(file);
  const alone = await eachCommandAlone(file, original, lintOne);
  const read = await statementsOf(alone.file);
  if ("problem" in read) return undefined;
  const statements = read.statements.filter(({ inBody }) => inBody !== true);
  const chosen = choose(alone.findings);
  if (chosen.size === 0) return undefined;
  const cut = cutFile(
    alone.file,
    statements,
    new Map([...chosen].map(([index, [, rewrite]]) => [index, rewrite])),
  );
  if ("reason" in cut) return cut;
  return {
    ...cut,
    answered: [...chosen.values()].map(([finding]) => finding),
    declared: [...chosen.values()].map(([, { differs, otherValues, ends }]) => ({
      ...(differs === undefined ? {} : { differs }),
      ...(otherValues === undefined ? {} : { otherValues }),
      ...(ends === undefined ? {} : { ends }),
    })),
  };
}

/** Those that the file does not allow itself, and that are of the severities that are asked for. */
async function findingsOf(
  earlier: readonly LintFile[],
  file: LintFile,
  { severities = ["block", "ask"], inBatch = [], ...options }: RewriteOptions,
): Promise<Finding[]> {
  const report = await lint([...earlier, file], {
    ...options,
    isAsked: (each) => each === file || inBatch.includes(each),
    rewrites: true,
  });
  return report.findings.filter(
    (finding) => finding.file === file.file && severities.includes(finding.severity),
  );
}

/** More than any statement has. */
const MAX_CUTS = 200;

/**
 * The file with each command that a rule rewrites in an ALTER TABLE of its own. A statement is cut only when the
 * rule then does rewrite.
 */
async function eachCommandAlone(
  file: LintFile,
  findings: readonly Finding[],
  lintOne: (asked: LintFile) => Promise<Finding[]>,
): Promise<{ file: LintFile; findings: readonly Finding[] }> {
  let current = { file, findings };
  const tried = new Set<string>();
  for (let cuts = 0; cuts < MAX_CUTS; cuts++) {
    const read = await statementsOf(current.file);
    if ("problem" in read) return current;
    const next = current.findings
      .map((finding) => ({ finding, statement: statementFor(read.statements, finding) }))
      .find(
        ({ finding, statement }) =>
          statement !== undefined && isOneOfMany(finding.from, statement) && !tried.has(nameOf(finding)),
      );
    if (next?.statement === undefined) return current;
    tried.add(nameOf(next.finding));
    const parts = partsOf(next.statement, next.finding.from.command!);
    if (parts === undefined) continue;
    const cut = replaced(current.file, next.statement, parts);
    const found = await lintOne(cut);
    const index = next.finding.statement + (parts.before === undefined ? 0 : 1);
    const isRewritten = found.some(
      ({ rule, statement, rewrite }) =>
        rule === next.finding.rule && statement === index && rewrite !== undefined && "steps" in rewrite,
    );
    if (!isRewritten) continue;
    // The numbers of statements and commands are others now.
    tried.clear();
    current = { file: cut, findings: found };
  }
  return current;
}

function partsOf({ node }: LintStatement, command: number): ReturnType<typeof splitCommands> {
  try {
    return splitCommands(node, command);
  } catch {
    // SQL_UNPRINTABLE: then it stays whole, and its finding says that it is one of several commands.
    return undefined;
  }
}

function replaced(
  file: LintFile,
  { start, text }: LintStatement,
  { before, alone, after }: { before?: string; alone: string; after?: string },
): LintFile {
  const parts = [before, alone, after].flatMap((part) => (part === undefined ? [] : part.replace(/;$/, "")));
  const sql = file.sql.slice(0, start) + parts.join(";\n") + file.sql.slice(start + text.length);
  return { ...file, sql };
}

function statementFor(
  statements: readonly LintStatement[],
  { statement }: Finding,
): LintStatement | undefined {
  return statements.find(({ index, inBody }) => index === statement && inBody !== true);
}

function nameOf({ rule, statement, from }: Finding): string {
  return `${rule} ${statement} ${from.command}`;
}

/** One rewrite for a statement: the strongest finding's, and of equals the first. */
function choose(findings: readonly Finding[]): Map<number, [Finding, Rewrite]> {
  const chosen = new Map<number, [Finding, Rewrite]>();
  for (const severity of SEVERITIES) {
    for (const finding of findings) {
      const { rewrite } = finding;
      if (finding.severity !== severity || rewrite === undefined || "reason" in rewrite) continue;
      if (!chosen.has(finding.statement)) chosen.set(finding.statement, [finding, rewrite]);
    }
  }
  return chosen;
}
