import type { Estimate, Forecast, LockForecast, Seen } from "./rehearsal.ts";
import type { RanStatement } from "./run-statements.ts";

/** Rows of each relation, here and where the files are meant for; null: not known. A relation that is left out is not there. */
export interface Sizes {
  here: ReadonlyMap<string, number>;
  production: ReadonlyMap<string, number | null>;
}

type Work = "scan" | "write" | "build" | "rewrite";

/** Milliseconds for a million rows, measured on one core with a table of 1 M rows (PostgreSQL 15 and 18). */
const REFERENCE_MS: Record<Work, number> = { scan: 72, write: 4_300, build: 370, rewrite: 2_500 };
/** What a server with other disks and other rows may differ by. */
const REFERENCE_SPREAD = { low: 1 / 3, high: 10 };
/** What does not grow with the rows is scaled as well: it takes less rather than more. */
const MEASURED_SPREAD = { low: 1 / 4, high: 3 };
/** Less says more about the connection than about the rows. */
const ENOUGH_ROWS = 1_000;
const ENOUGH_MS = 2;
/** Of a statement that reads and writes no rows of the application. */
const CATALOG_SPREAD = { low: 1 / 2, high: 5 };
const WEAK_MODES = ["access share", "row share", "row exclusive", "share update exclusive"];

/**
 * Pure: how long a statement takes where the tables are larger. What it waits for its locks is not part of it.
 * A statement that runs code of its own (DO, CALL) is not forecast when that code touched rows.
 */
export function forecastStatement({ statement, elapsedMs, seen }: RanStatement, sizes: Sizes): Forecast {
  const work = workOf(seen);
  if (work.size === 0) return spread(elapsedMs, CATALOG_SPREAD, "changes the catalog only");
  if (/^(do|call)\b/i.test(statement.code)) {
    return {
      state: "unknown",
      reason: "the statement runs code of its own, whose work does not grow by a rule",
    };
  }
  let [here, there, referenceMs] = [0, 0, 0];
  for (const [relation, kind] of work) {
    const production = sizes.production.get(relation) ?? (sizes.production.has(relation) ? null : 0);
    if (production === null) {
      return {
        state: "unknown",
        reason: `how many rows ${relation} has in production is not known; run ANALYZE ${relation} there`,
      };
    }
    here += sizes.here.get(relation) ?? 0;
    there += production;
    referenceMs += (REFERENCE_MS[kind] * production) / 1_000_000;
  }
  if (here < ENOUGH_ROWS || elapsedMs < ENOUGH_MS) {
    const basis = `by reference figures for ${count(there)} rows, because too few were rehearsed`;
    return spread(elapsedMs + referenceMs, REFERENCE_SPREAD, basis);
  }
  const scaled = elapsedMs * Math.max(1, there / here) * sorting(work, here, there);
  return spread(
    scaled,
    MEASURED_SPREAD,
    `measured on ${count(here)} rows, production has about ${count(there)}`,
  );
}

/** Pure: forecasts one after the other. */
export function addForecasts(forecasts: readonly Forecast[]): Forecast {
  const unknown = forecasts.find((forecast) => forecast.state === "unknown");
  if (unknown !== undefined) return unknown;
  const sum: Estimate = { lowMs: 0, likelyMs: 0, highMs: 0 };
  const bases = new Set<string>();
  for (const forecast of forecasts) {
    if (forecast.state === "unknown") continue;
    sum.lowMs += forecast.lowMs;
    sum.likelyMs += forecast.likelyMs;
    sum.highMs += forecast.highMs;
    for (const basis of forecast.basis.split("; ")) bases.add(basis);
  }
  return {
    state: "estimated",
    ...rounded(sum),
    basis: bases.size === 0 ? "nothing to do" : [...bases].join("; "),
  };
}

/** Pure: how long each lock is held: to the end of the transaction, which is that of its piece of the file. */
export function forecastLocks(
  statements: readonly { seen: Seen; forecast: Forecast; piece: number }[],
): LockForecast[] {
  const locks = new Map<string, LockForecast>();
  for (const [index, { seen, piece }] of statements.entries()) {
    const until = statements.slice(index).filter((statement) => statement.piece === piece);
    for (const { relation, mode } of seen.locks) {
      const held = addForecasts(until.map(({ forecast }) => forecast));
      const found = locks.get(relation);
      const lock: LockForecast = { relation, mode, blocks: blockedBy(mode), held };
      if (found === undefined || rank(lock) > rank(found)) locks.set(relation, lock);
    }
  }
  return [...locks.values()];
}

function rank({ blocks }: LockForecast): number {
  return ["nothing", "writes", "reads and writes"].indexOf(blocks);
}

function blockedBy(mode: string): LockForecast["blocks"] {
  if (mode === "access exclusive") return "reads and writes";
  return WEAK_MODES.includes(mode) ? "nothing" : "writes";
}

/** For each relation the costliest thing that happened to it. */
function workOf(seen: Seen): Map<string, Work> {
  const work = new Map<string, Work>();
  for (const { relation } of seen.scans) work.set(relation, "scan");
  // Rows that are inserted and given in the file are as many everywhere.
  for (const { relation, updated, deleted } of seen.rows)
    if (updated + deleted > 0) work.set(relation, "write");
  for (const { relation, how } of seen.indexes) if (how !== "reused") work.set(relation, "build");
  for (const relation of seen.rewrites) work.set(relation, "rewrite");
  return work;
}

/** Building an index sorts: n log n. */
function sorting(work: ReadonlyMap<string, Work>, here: number, there: number): number {
  if (![...work.values()].includes("build") || there <= here) return 1;
  return Math.log(there) / Math.log(here);
}

function spread(likelyMs: number, by: { low: number; high: number }, basis: string): Forecast {
  const estimate = { lowMs: likelyMs * by.low, likelyMs, highMs: likelyMs * by.high };
  return { state: "estimated", ...rounded(estimate), basis };
}

function rounded({ lowMs, likelyMs, highMs }: Estimate): Estimate {
  const round = (ms: number): number => Math.round(ms * 10) / 10;
  return { lowMs: round(lowMs), likelyMs: round(likelyMs), highMs: round(highMs) };
}

function count(rows: number): string {
  return Math.round(rows).toLocaleString("en-US");
}
