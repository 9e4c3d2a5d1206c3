import type { Risk, Undo } from "../../model/plan.ts";
import { migrationFilesInput } from "../../model/release-inputs.ts";
import type { StepForecast } from "../../model/step-kind.ts";
import { historyOf } from "../../postgres/migrations/history/registry.ts";
import type { HistoryFormat, Migration } from "../../postgres/migrations/migration.ts";
import { riskOf } from "../../postgres/migrations/migration-risk.ts";
import { shownName } from "../../postgres/sql/names.ts";
import { splitStatements } from "../../postgres/sql/statements.ts";
import { firstLine } from "../../postgres/migrations/run-statement.ts";

const MAX_STATEMENTS_SHOWN = 10;
/** An empty database takes far less, a large table more: only a rehearsal could tell. */
const EXPECTED_MS = 250;
const MAX_TIMEOUT_MS = 24 * 60 * 60 * 1000;
/** Reading files and ledger, connecting again. */
const SLACK_MS = 120_000;
const MAX_BACKOFF_MS = 1_000;

/** What was found when planning; plain JSON. */
export type MigrationFacts = {
  directory: string;
  /** Left out in plans of an earlier tminus, which knew native files only. */
  format?: HistoryFormat;
  /** How many another tool has run that the ledger takes over, and of how many its table does not say what ran. */
  adopted?: { count: number; unproven: number };
  pending: PendingMigration[];
  /** How many the ledger has. */
  applied: number;
  problems: { reason: string; fix: string }[];
  filesDigest: string;
  ledgerDigest: string;
};

export type PendingMigration = {
  file: string;
  version: string;
  name: string;
  risk: Risk;
  transactional: boolean;
  hasDown: boolean;
  /** What the down section drops, where what is written meanwhile would be lost: "users.email". */
  downDrops?: string[];
  /** First line of each statement, the first ten. */
  statements: string[];
  /** How many there are in all. */
  statementCount: number;
};

export interface MigrationLimits {
  lockTimeoutMs: number;
  lockRetries: number;
  lockWaitMs: number;
  statementTimeoutMs: number;
}

/** One pending file as the plan shows it. */
export async function describePending({
  file,
  version,
  name,
  up,
  transactional,
  down,
}: Migration): Promise<PendingMigration> {
  return {
    file,
    version,
    name,
    risk: riskOf(up),
    transactional,
    hasDown: down !== undefined,
    downDrops: await dropsOf(down),
    statements: up.slice(0, MAX_STATEMENTS_SHOWN).map(firstLine),
    statementCount: up.length,
  };
}

async function dropsOf(down: Migration["down"]): Promise<string[]> {
  if (down === undefined) return [];
  const { isArchivable, shownDropped } = await import("../../postgres/phases/archive.ts");
  const { droppedByText } = await import("../../postgres/undo/grade.ts");
  const dropped = await Promise.all(splitStatements(down.sql, down.line).statements.map(droppedByText));
  return dropped.flat().map((item) => {
    if (isArchivable(item)) return shownDropped(item);
    return item.kind === "rows" ? shownName(item.table) : `what ${item.what}`;
  });
}

/** Pure: what applying the pending files means. */
export function forecastMigrations(
  facts: MigrationFacts,
  rollbackDatabase: "keep" | "down",
  limits: MigrationLimits,
): StepForecast {
  const { pending, directory } = facts;
  return {
    summary: [
      ...describeHistory(facts),
      ...(pending.length === 0
        ? [`no migration is pending (${facts.applied} applied)`]
        : pending.flatMap(summarize)),
    ],
    risk: highest(pending),
    durationMs: pending.length * EXPECTED_MS,
    timeoutMs: timeoutMs(pending.length, limits),
    undo: undoOf(facts, rollbackDatabase),
    inputs: [
      migrationFilesInput(directory, facts.filesDigest),
      { name: "migration ledger", digest: facts.ledgerDigest },
    ],
    blocked: facts.problems,
  };
}

function describeHistory({ format = "native", adopted }: MigrationFacts): string[] {
  const { owner } = historyOf(format);
  if (owner === undefined) return [];
  const { count, unproven } = adopted ?? { count: 0, unproven: 0 };
  const believed = unproven === 0 ? "" : `, ${unproven} of them on the word of their files`;
  return [
    `${format} files: ${owner.table} is written in the same transactions, so that ${owner.name} can go on`,
    ...(count === 0 ? [] : [`adopt ${count} that have run already, without running them again${believed}`]),
  ];
}

function summarize({ file, transactional, statements, statementCount }: PendingMigration): string[] {
  const more = statementCount - statements.length;
  return [
    `apply ${file}${transactional ? "" : " (outside a transaction)"}`,
    ...statements.map((statement) => `  ${statement}`),
    ...(more > 0 ? [`  … and ${more} more`] : []),
  ];
}

function undoOf({ pending, format }: MigrationFacts, rollbackDatabase: "keep" | "down"): Undo {
  if (pending.length === 0) return { how: "none-needed", text: "no migration is pending" };
  if (rollbackDatabase === "keep") {
    return { how: "none-needed", text: "the schema stays; it must work with the previous release" };
  }
  const without = pending.filter(({ hasDown }) => !hasDown);
  if (without.length > 0) {
    const wanted = historyOf(format ?? "native").owner?.undo ?? "down section";
    return { how: "irreversible", text: `${without.map(({ file }) => file).join(", ")} has no ${wanted}` };
  }
  return {
    how: "undo",
    text: `the down sections of ${pending.length} run in reverse`,
    ...lossOf(pending),
  };
}

/** Nothing is lost at the moment; the exact counts are told when a rollback is asked for. */
function lossOf(pending: readonly PendingMigration[]): { loss?: string } {
  if (pending.some(({ downDrops }) => downDrops === undefined))
    return { loss: "values written into what the down sections drop" };
  const drops = [...new Set(pending.flatMap(({ downDrops = [] }) => downDrops))];
  return drops.length === 0 ? {} : { loss: `what is written from then on into ${drops.join(", ")}` };
}

function highest(pending: readonly PendingMigration[]): Risk {
  for (const risk of ["high", "medium"] as const) if (pending.some((item) => item.risk === risk)) return risk;
  return "low";
}

/** Time limit of a step that runs so many files. */
export function timeoutMs(
  files: number,
  { lockTimeoutMs, lockRetries, lockWaitMs, statementTimeoutMs }: MigrationLimits,
): number {
  const waiting = lockWaitMs + lockRetries * (lockTimeoutMs + MAX_BACKOFF_MS);
  return Math.min(MAX_TIMEOUT_MS, SLACK_MS + Math.max(1, files) * (statementTimeoutMs + waiting));
}
