import { treeOf } from "../../sql/tree.ts";
import type { FileReplacement, LintStatement, Rewrite } from "../define-rule.ts";
import type { LintFile } from "../lint-file.ts";
import { downsOf } from "./downs-of.ts";
import type { FilePiece, Piece } from "./piece.ts";
import { dependsOnSession, isHarmlessSetting, isSetting } from "./session-state.ts";

/** A stretch of the file: untouched statements, or one that is rewritten. */
interface Stretch {
  /** With comments before it, and its semicolon. */
  sql: string;
  statements: LintStatement[];
  rewrite: Rewrite | undefined;
  /** What is written before its first statement, and after the last one of the file. */
  comment: string;
  tail: string;
}

/**
 * The file with some of its statements replaced, as the files and backfills that stand for it. Statements that are
 * not concerned keep their text and their order; what the file sets for its session is set again in each piece.
 * A reason when a statement needs something that a cut would take from it.
 */
export function cutFile(
  file: LintFile,
  statements: readonly LintStatement[],
  rewrites: ReadonlyMap<number, Rewrite>,
): { pieces: Piece[]; notes: string[] } | { reason: string } {
  const downs = downsOf(
    file,
    statements.filter((statement) => !isSetting(statement)),
  );
  const pieces: Piece[] = [];
  const carried: LintStatement[] = [];
  for (const stretch of stretchesOf(file, statements, rewrites)) {
    if (stretch.rewrite === undefined) {
      if (!stretch.statements.every(isSetting)) pieces.push(untouched(file, stretch, carried, downs));
      carried.push(...stretch.statements.filter(isSetting));
      continue;
    }
    const first = stretch.rewrite.steps.findIndex((step) => !("backfill" in step));
    for (const [position, step] of stretch.rewrite.steps.entries()) {
      if ("backfill" in step) pieces.push({ kind: "backfill", ...step });
      else {
        const lost = step.transactional ? undefined : carried.find((each) => !isHarmlessSetting(each));
        if (lost !== undefined) return { reason: cannotCarry(lost) };
        const isOnly = stretch.rewrite.steps.length === 1;
        const down = step.down ?? (isOnly ? joinedDowns(downs, stretch.statements) : undefined);
        const around = position === first ? stretch : { comment: "", tail: "" };
        pieces.push(rewritten(file, { ...step, down }, carried, around));
      }
    }
  }
  const kept = statements.filter(({ index }) => !rewrites.has(index));
  const bound = kept.map(dependsOnSession).find((reason) => reason !== undefined);
  if (pieces.length !== 1 && bound !== undefined) return { reason: bound };
  const files = pieces.filter((piece) => piece.kind === "file");
  const isLost = file.down !== undefined && files.some(({ down }) => down === undefined);
  return { pieces: inOrder(pieces), notes: isLost ? [LOST_DOWN] : [] };
}

const LOST_DOWN =
  "its down section cannot be divided among the files: write one for each, or they are not undone";

function untouched(
  { transactional, phase }: LintFile,
  { sql, statements }: Stretch,
  carried: readonly LintStatement[],
  downs: ReadonlyMap<number, string> | undefined,
): FilePiece {
  const down = joinedDowns(downs, statements);
  return {
    kind: "file",
    suffix: undefined,
    transactional,
    phase,
    sql: withSettings(carried, transactional, sql),
    ...(down === undefined ? {} : { down }),
  };
}

function rewritten(
  file: LintFile,
  { suffix, transactional, sql, phase, down }: Omit<FileReplacement, "down"> & { down: string | undefined },
  carried: readonly LintStatement[],
  { comment, tail }: Pick<Stretch, "comment" | "tail">,
): FilePiece {
  return {
    kind: "file",
    suffix,
    transactional,
    phase: phase ?? file.phase,
    sql: `${comment}${withSettings(carried, transactional, sql)}${tail}`,
    ...(down === undefined ? {} : { down }),
  };
}

/** As db.migrate, db.backfill and db.contract run them one after the other. */
function inOrder(pieces: readonly Piece[]): Piece[] {
  const isContract = (piece: Piece): boolean => piece.kind === "file" && piece.phase === "contract";
  return [
    ...pieces.filter((piece) => piece.kind === "file" && !isContract(piece)),
    ...pieces.filter(({ kind }) => kind === "backfill"),
    ...pieces.filter(isContract),
  ];
}

function stretchesOf(
  file: LintFile,
  statements: readonly LintStatement[],
  rewrites: ReadonlyMap<number, Rewrite>,
): Stretch[] {
  const stretches: Stretch[] = [];
  let from = 0;
  for (const [position, statement] of statements.entries()) {
    const isLast = position === statements.length - 1;
    const end = isLast ? file.sql.length : endOf(file.sql, statement);
    const sql = file.sql.slice(from, end);
    const comment = file.sql.slice(from, statement.start);
    const rest = isLast ? file.sql.slice(endOf(file.sql, statement)).trimEnd() : "";
    const tail = rest.trim() === "" ? "" : rest;
    from = end;
    const rewrite = rewrites.get(statement.index);
    const before = stretches.at(-1);
    if (rewrite === undefined && before !== undefined && before.rewrite === undefined) {
      before.sql += sql;
      before.statements.push(statement);
    } else stretches.push({ sql, statements: [statement], rewrite, comment, tail });
  }
  return stretches;
}

/** Behind its semicolon. */
function endOf(sql: string, { start, text }: LintStatement): number {
  const end = sql.indexOf(";", start + text.length);
  return end === -1 ? sql.length : end + 1;
}

function joinedDowns(
  downs: ReadonlyMap<number, string> | undefined,
  own: readonly LintStatement[],
): string | undefined {
  if (downs === undefined) return undefined;
  const texts = own.toReversed().flatMap(({ index }) => downs.get(index) ?? []);
  return texts.map((text) => `${text};\n`).join("");
}

/** A file that is no transaction has no settings but those of its session. */
function withSettings(carried: readonly LintStatement[], transactional: boolean, sql: string): string {
  if (!transactional || carried.length === 0) return sql;
  return `${carried.map(({ text }) => `${text};\n`).join("")}${sql}`;
}

function cannotCarry({ node }: LintStatement): string {
  const name = treeOf(node, "VariableSetStmt")?.name ?? "";
  return `SET ${name} does not hold in a file that runs outside a transaction: write names with their schema, and remove it.`;
}
