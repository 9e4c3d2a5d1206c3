import { posix, resolve, sep } from "node:path";
import type { DatabasePlace } from "../../model/database.ts";
import { planFix, type FixPlan, type FixedFile } from "../../postgres/lint/fix/plan-fix.ts";
import { verifyFix, type FixVerdict } from "../../postgres/lint/fix/verify-fix.ts";
import { takeBackUnfinished } from "../../postgres/lint/fix/unfinished-write.ts";
import { writeFix } from "../../postgres/lint/fix/write-fix.ts";
import { bySeverity, countBySeverity } from "../../postgres/lint/finding.ts";
import { openScratch } from "../scratch.ts";
import type { Environment } from "../secrets.ts";
import type { FormatChoice } from "./status.ts";

const READ_TIMEOUT_MS = 15_000;

export interface FixQuestion {
  /** As it was written; it is put before the names of the files. */
  folder: string;
  /** What `folder` is relative to. */
  directory: string;
  history: FormatChoice;
  style: boolean;
  write: boolean;
  environment: Environment;
  signal: AbortSignal;
  progress: (text: string) => void;
}

export interface FixAnswer {
  counts: ReturnType<typeof countBySeverity>;
  problems: FixPlan["problems"];
  /** Undefined when nothing is rewritten. */
  verdict: FixVerdict | undefined;
  value: object;
  lines: string[];
}

/**
 * Rewrites the files that are pending in a database, or all when none is given; writes them when it is asked to and
 * they were not found wrong, after it has taken back what a write that was killed left. Errors: MIGRATION_INVALID,
 * DATABASE_UNREACHABLE.
 */
export async function fixMigrations(
  place: DatabasePlace | undefined,
  question: FixQuestion,
): Promise<FixAnswer> {
  const { folder, history, style, write, signal, progress } = question;
  const directory = resolve(question.directory, folder);
  const session =
    place === undefined
      ? undefined
      : {
          connectionString: place.connectionString.reveal(),
          purpose: "look",
          statementTimeoutMs: READ_TIMEOUT_MS,
          signal,
        };
  if (write && (await takeBackUnfinished(directory)))
    progress("took back what a --write that was killed had written");
  const plan = await planFix({ directory, format: history, style }, session);
  const path = (file: string): string => posix.join(folder.split(sep).join("/"), file);
  const verdict = plan.fixed.length === 0 ? undefined : await verified(plan, place, question);
  const isWritten = write && verdict !== undefined && verdict.state !== "wrong";
  if (isWritten) {
    progress(`writing ${plan.fixed.length} rewritten files`);
    await writeFix(directory, plan.fixed);
  }
  const left = bySeverity(plan.left) as FixPlan["left"];
  return {
    counts: countBySeverity(plan.left),
    problems: plan.problems,
    verdict,
    value: {
      environment: place?.environment ?? null,
      format: plan.format,
      isWritten,
      fixed: plan.fixed.map(({ original, files, backfills, rules, notes }) => ({
        file: path(original),
        becomes: files.map((each) => ({ ...each, file: path(each.file) })),
        backfills,
        rules,
        notes,
      })),
      verdict: verdict ?? null,
      left: left.map(({ rule, severity, file, line, column, message, reason }) => ({
        rule,
        severity,
        file: path(file),
        line,
        column,
        message,
        reason,
      })),
      problems: plan.problems,
    },
    lines: [
      ...plan.fixed.flatMap((each) => fixedLines(each, path, isWritten)),
      ...left.flatMap(({ rule, severity, file, line, column, message, reason }) => [
        `${path(file)}:${line}:${column}  ${severity}  ${message}  [${rule}]`,
        `    not rewritten: ${reason}`,
      ]),
      ...(verdict === undefined ? ["nothing to rewrite"] : verdictLines(verdict)),
      ...nextLines(plan, verdict, { question, isWritten, hasDatabase: place !== undefined }),
    ],
  };
}

async function verified(
  plan: FixPlan,
  place: DatabasePlace | undefined,
  question: FixQuestion,
): Promise<FixVerdict> {
  const { environment, signal, progress } = question;
  progress("running the files as they are and as they would be on a scratch server");
  const own = place === undefined ? openScratch(environment) : undefined;
  try {
    return await verifyFix(plan, { scratch: own ?? place!.scratch, signal, progress });
  } finally {
    await own?.close();
  }
}

function fixedLines(
  { original, files, backfills, rules, notes }: FixedFile,
  path: (file: string) => string,
  isWritten: boolean,
): string[] {
  const quoted = (text: string): string[] =>
    text
      .trimEnd()
      .split("\n")
      .map((line) => `    | ${line}`);
  const hasOwn = files.some(({ file }) => file === original);
  return [
    `${path(original)}  ${isWritten ? "became" : "would become"}  [${rules.join(", ")}]`,
    ...files
      .filter(({ phase }) => phase !== "contract")
      .flatMap(({ file, text }) => [`  ${path(file)}`, ...quoted(text)]),
    ...backfills.flatMap((backfill) => [
      "  a step for the runbook, behind db.migrate and before db.contract",
      ...quoted(backfillYaml(backfill)),
    ]),
    ...files
      .filter(({ phase }) => phase === "contract")
      .flatMap(({ file, text }) => [`  ${path(file)}, for db.contract after sign-off`, ...quoted(text)]),
    ...(hasOwn ? [] : [`  and ${path(original)} goes`]),
    ...notes.map((note) => `  note: ${note}`),
  ];
}

/** A text in double quotes means the same in YAML as in JSON. */
function backfillYaml({ table, set, where, trigger }: FixedFile["backfills"][number]): string {
  return [
    "- db.backfill:",
    `    table: ${JSON.stringify(table)}`,
    "    set:",
    ...Object.entries(set).map(
      ([column, value]) => `      ${JSON.stringify(column)}: ${JSON.stringify(value)}`,
    ),
    ...(where === undefined ? [] : [`    where: ${JSON.stringify(where)}`]),
    ...(trigger === undefined ? [] : [`    trigger: ${trigger}`]),
  ].join("\n");
}

function verdictLines(verdict: FixVerdict): string[] {
  switch (verdict.state) {
    case "same":
      return [
        "verified: run on a scratch server, the schema ends the same",
        ...verdict.differs.map(({ object, because }) => `  but for ${object}: ${because}`),
      ];
    case "runs":
      return [
        `verified in part: what was rewritten runs on a scratch server; the original does not: ${verdict.reason}`,
      ];
    case "wrong":
      return [`wrong, and not to be written: ${verdict.reason}`];
    case "not verified":
      return [`not verified: ${verdict.reason}`];
  }
}

function nextLines(
  { fixed, left }: FixPlan,
  verdict: FixVerdict | undefined,
  { question, isWritten, hasDatabase }: { question: FixQuestion; isWritten: boolean; hasDatabase: boolean },
): string[] {
  if (verdict?.state === "wrong")
    return ["next: write the safe form by hand; tminus db lint says what it is"];
  if (isWritten) {
    const steps = fixed.some(({ backfills }) => backfills.length > 0)
      ? ["next: put the db.backfill steps above into the runbook"]
      : [];
    return [...steps, `next: git diff, then tminus db lint --dir ${question.folder}`];
  }
  if (fixed.length === 0) return left.length === 0 ? [] : ["next: write these by hand"];
  const warning = hasDatabase
    ? []
    : [
        "no database was asked: a file that has run anywhere must not be changed; with --database or --env only what is pending there is rewritten",
      ];
  return [...warning, "next: the same command with --write writes these files"];
}
