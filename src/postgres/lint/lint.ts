import { indexOfByte } from "../sql/parse.ts";
import { placesIn } from "../sql/statements.ts";
import { applyStatement } from "./catalog/apply.ts";
import { emptyCatalog, shown, type Catalog } from "./catalog/catalog.ts";
import type { LintContext, LintRule, LintStatement, TableSizes } from "./define-rule.ts";
import type { Finding, RuleFinding } from "./finding.ts";
import type { LintFile } from "./lint-file.ts";
import { rewriteOf } from "./rewrite/rewrite-of.ts";
import { statementsOf } from "./statements-of.ts";

/** Below these nobody notices a scan, a rewrite or an index build: about 5 ms at the measured 370 ms for a million rows. */
const SMALL_ROWS = 10_000;
const SMALL_BYTES = 8 * 1024 * 1024;

export interface LintOptions {
  rules: readonly LintRule[];
  /** Which files are asked about; the others only tell what is there before. All when left out. */
  isAsked?: (file: LintFile) => boolean;
  /**
   * Whether the asked files run in one go, so that what one of them makes is new for the next. When not, each was
   * or will be a deploy of its own.
   */
  isOneBatch?: boolean;
  sizes?: TableSizes;
  /** Whether findings say how they are rewritten. */
  rewrites?: boolean;
  /** Files that run behind the asked one in the same deploy, before backfills and the phase contract. */
  followers?: readonly LintFile[];
}

export interface LintReport {
  /** In the order of the files. */
  findings: Finding[];
  /** Those that a file allows itself, with the reason that it gives. */
  allowed: (Finding & { reason: string })[];
  /** How many files and statements were asked about. */
  files: number;
  statements: number;
}

/** Lints migration files, oldest first. Pure but for loading the parser. */
export async function lint(files: readonly LintFile[], options: LintOptions): Promise<LintReport> {
  const report: LintReport = { findings: [], allowed: [], files: 0, statements: 0 };
  const catalog = emptyCatalog();
  let batchStart: number | undefined;
  const followers = await statementsOfAll(options.followers ?? []);
  for (const [number, file] of files.entries()) {
    const isAsked = options.isAsked?.(file) ?? true;
    if (isAsked) batchStart = options.isOneBatch === true ? (batchStart ?? number) : number;
    // A file must not depend on what the one before it set.
    catalog.searchPath = ["public"];
    const read = await statementsOf(file);
    if ("problem" in read) {
      if (isAsked) report.findings.push(unreadable(file, read.problem));
      continue;
    }
    const found: Finding[] = isAsked ? unknownDirectives(file) : [];
    const contextOf = contextsIn(file, read.statements, {
      catalog,
      batchStart: batchStart ?? 0,
      followers,
      options,
    });
    const placeOf = placesOfFindings(file);
    for (const statement of read.statements) {
      if (isAsked) found.push(...checkStatement(statement, contextOf(statement), { ...options, placeOf }));
      applyStatement(catalog, statement.node, number);
    }
    if (!isAsked) continue;
    report.files++;
    report.statements += read.statements.length;
    sortOut(file, found, report);
  }
  return report;
}

function checkStatement(
  statement: LintStatement,
  context: LintContext,
  { rules, rewrites, placeOf }: LintOptions & { placeOf: PlaceOf },
): Finding[] {
  return rules.flatMap((rule) =>
    rule.check(statement, context).map((from): Finding => {
      const rewrite = rewrites === true ? rewriteOf(rule, from, statement, context) : undefined;
      return {
        rule: rule.id,
        severity: from.severity ?? rule.severity,
        file: context.file.file,
        ...placeOf(statement, from),
        message: from.message,
        hint: from.hint,
        ...(from.relation === undefined ? {} : { relation: shown(from.relation) }),
        statement: statement.index,
        from,
        ...(rewrite === undefined ? {} : { rewrite }),
      };
    }),
  );
}

type PlaceOf = (statement: LintStatement, finding: RuleFinding) => { line: number; column: number };

/** A file has many findings: it is read once. */
function placesOfFindings(file: LintFile): PlaceOf {
  const toIndex = indexOfByte(file.sql);
  const at = placesIn(file.sql, file.firstLine);
  return (statement, { location }) =>
    location === undefined || statement.inBody === true
      ? { line: statement.line, column: statement.column }
      : at(toIndex(location));
}

interface Surroundings {
  catalog: Catalog;
  /** Number of the file that opens the batch. */
  batchStart: number;
  followers: readonly LintStatement[];
  options: LintOptions;
}

/** Without those of files that cannot be read: they will not run. */
async function statementsOfAll(files: readonly LintFile[]): Promise<LintStatement[]> {
  const all: LintStatement[] = [];
  for (const file of files) {
    const read = await statementsOf(file);
    if ("statements" in read) all.push(...read.statements);
  }
  return all;
}

/** What the rules are told beside each statement of a file. */
function contextsIn(
  file: LintFile,
  statements: readonly LintStatement[],
  { catalog, batchStart, followers, options }: Surroundings,
): (statement: LintStatement) => LintContext {
  const transactions = new Map<number, LintStatement[]>();
  const positions = new Map<LintStatement, number>();
  for (const statement of statements) {
    // Without a transaction every statement is alone.
    if (statement.transaction === undefined) continue;
    const group = transactions.get(statement.transaction) ?? [];
    transactions.set(statement.transaction, group);
    positions.set(statement, group.push(statement) - 1);
  }
  const isNew = (table: string): boolean =>
    ((catalog.tables.get(table) ?? catalog.views.get(table))?.madeIn ?? -1) >= batchStart;
  const sizeOf = (table: string) => options.sizes?.get(table);
  const shared = {
    catalog,
    file,
    statements,
    followers,
    isNew,
    isInBatch: (made: number) => made >= batchStart,
    sizeOf,
    isLive(table: string) {
      const size = sizeOf(table);
      const isSmall = size !== undefined && size.rows <= SMALL_ROWS && size.bytes <= SMALL_BYTES;
      return !isNew(table) && !isSmall;
    },
  };
  return (statement) => {
    const group = statement.transaction === undefined ? [] : transactions.get(statement.transaction)!;
    const position = positions.get(statement) ?? 0;
    let earlier: readonly LintStatement[] | undefined;
    let later: readonly LintStatement[] | undefined;
    return {
      ...shared,
      // Cut only when a rule asks: few do, and a file may have thousands of statements.
      get earlier() {
        return (earlier ??= group.slice(0, position));
      },
      get later() {
        return (later ??= group.slice(position + 1));
      },
    };
  };
}

/** An allowance holds for its rule in the whole file. */
function sortOut(file: LintFile, found: readonly Finding[], report: LintReport): void {
  for (const finding of found) {
    const allowance = file.allows.find(({ rule }) => rule === finding.rule);
    if (allowance === undefined) report.findings.push(finding);
    else report.allowed.push({ ...finding, reason: allowance.reason });
  }
}

function unreadable(
  file: LintFile,
  { line, column, text }: { line: number; column: number; text: string },
): Finding {
  const hint = hintFor(file, line);
  return problem(file, "not-parseable", { line, column }, `PostgreSQL cannot read this: ${text}`, hint);
}

/** What people most often have in such files. */
function hintFor({ sql, firstLine }: LintFile, line: number): string {
  const lines = sql.split("\n");
  const written = lines[line - firstLine] ?? "";
  const before = lines[line - firstLine - 1] ?? "";
  if (/^\s*\\/.test(written) || /^\s*\\/.test(before))
    return "A backslash command belongs to psql: write it as SQL.";
  if (/\bfrom\s+stdin\b/i.test(sql)) return "COPY … FROM stdin needs psql: write INSERT statements.";
  if (/\{\{|<%|\$\{/.test(sql)) return "Fill in the template before: only plain SQL can be checked and run.";
  return "Correct the statement: it would fail when it runs.";
}

function unknownDirectives(file: LintFile): Finding[] {
  return file.problems.map(({ line, text }) =>
    problem(
      file,
      "directive",
      { line, column: 1 },
      text,
      "Correct the line; it would be refused when migrating.",
    ),
  );
}

function problem(
  { file }: LintFile,
  rule: string,
  place: { line: number; column: number },
  message: string,
  hint: string,
): Finding {
  return { rule, severity: "block", file, ...place, message, hint, statement: 0, from: { message, hint } };
}
