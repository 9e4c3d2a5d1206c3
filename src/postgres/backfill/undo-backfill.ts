import { TminusError } from "../../errors.ts";
import type { BackfillSettings } from "../../model/backfill.ts";
import { inFencedTransaction } from "../migrations/transaction.ts";
import { readOnly, type Session } from "../session/connect.ts";
import { pageRange, type Backfill, type BackfillIdentity, type BackfillProblem } from "./backfill.ts";
import { eachBatch, pagesBefore } from "./batches.ts";
import { ensureCheckpoints, readCheckpoint, readIdentity } from "./checkpoint.ts";
import { readLeaves, readTable } from "./catalog.ts";
import { watchHealth } from "./health.ts";
import { openMeter } from "./progress.ts";
import { resolveBackfill } from "./resolve.ts";
import { refuseCarried } from "./refuse-carried.ts";
import { dropTrigger } from "./sync-trigger.ts";
import { keepTelling, limitsOf, lockOptions, type BackfillOptions } from "./worker.ts";
import { settleBackfill, withBackfillSession } from "./with-backfill-session.ts";

const READ_TIMEOUT_MS = 60_000;
/** Somebody who goes on writing values does not keep undoing from ending. */
const MAX_ROUNDS = 3;

export interface UndoReport {
  /** Rows set to null. */
  rows: number;
  /** For people. */
  reason: string;
}

/**
 * Takes a backfill back: its trigger and its checkpoint go, other processes that work on it end, and with
 * `undo: set null` the columns become null in all rows. Does nothing when the backfill was never begun under
 * this run key. Safe to repeat after any crash. Errors: BACKFILL_FAILED, MIGRATION_LOCKED, LEASE_LOST,
 * DATABASE_UNREACHABLE.
 */
export async function undoBackfill(
  settings: BackfillSettings,
  options: BackfillOptions,
): Promise<UndoReport> {
  const look = { ...options, purpose: "look", statementTimeoutMs: READ_TIMEOUT_MS };
  const { identity, before, searchPath } = await readOnly(look, async (session) => {
    const identity = await readIdentity(session, settings);
    return {
      identity,
      before: await readCheckpoint(session, identity.name),
      searchPath: (await readTable(session, settings.table))?.searchPath ?? "pg_catalog",
    };
  });
  if (before === undefined || before.runKey !== options.runKey)
    return { rows: 0, reason: "nothing was begun" };
  const resolved =
    settings.undo === "set null"
      ? await readOnly(look, (session) => resolveBackfill(session, settings))
      : undefined;
  return withBackfillSession({ title: before.title, searchPath }, options, async (session) => {
    await ensureCheckpoints(session);
    const named = { settings, identity, title: before.title };
    await stop(session, named, options);
    await settleBackfill(session, searchPath);
    if (resolved === undefined) return finish(session, named, options, "the values stay");
    if ("problems" in resolved) {
      // Only a table or column that is gone has no values to take back.
      const kept = resolved.problems.filter(({ mayCome }) => mayCome !== true);
      if (kept.length > 0) throw cannotClear(before.title, kept);
      return finish(session, named, options, "the columns are not there any more");
    }
    await refuseCarried(session, resolved.backfill);
    const rows = await setNull(session, resolved.backfill, options);
    const left = await countFilled(session, resolved.backfill);
    const but = left === 0 ? "" : `; ${left} rows have values, written or held by others meanwhile`;
    return { ...(await finish(session, named, options, `${rows} rows set to null${but}`)), rows };
  });
}

function cannotClear(title: string, problems: readonly BackfillProblem[]): TminusError {
  const reasons = problems.map(({ reason }) => reason).join("; ");
  return new TminusError("BACKFILL_FAILED", `${title}: the values could not be set to null: ${reasons}`, {
    hint: `${problems[0]!.fix} Or set the columns to null by hand; the trigger is gone.`,
  });
}

interface Named {
  settings: BackfillSettings;
  identity: BackfillIdentity;
  title: string;
}

/** First, so that nobody fills again what is being taken back. */
async function stop(
  session: Session,
  { settings, identity, title }: Named,
  options: BackfillOptions,
): Promise<void> {
  await inFencedTransaction(session, lockOptions(settings, options), {
    label: identity.name,
    file: `the trigger on ${title}`,
    async run() {
      await dropTrigger(session, identity);
      await session.query("update tminus.backfill set generation = generation + 1 where name = $1", [
        identity.name,
      ]);
      return true;
    },
  });
}

async function setNull(session: Session, backfill: Backfill, options: BackfillOptions): Promise<number> {
  const { oid, leaves, title, settings, columns, alias } = backfill;
  await using health = await watchHealth({ ...options, oid, leaves });
  const meter = openMeter(title);
  const stopTelling = keepTelling(meter, options);
  const nulls = columns.map(({ name }) => `${name} = null`).join(", ");
  const filled = columns.map(({ name }) => `${name} is not null`).join(" or ");
  const pace = { pages: settings.batchPages, pauseMs: 0, duty: 1 };
  const worker = { backfill, options, session, health, meter, limits: limitsOf(settings), pace };
  let rows = 0;
  try {
    // Rows that others write meanwhile move to other pages: the next round reads those.
    for (let round = 1, more = -1; more !== 0 && round <= MAX_ROUNDS; round++) {
      more = 0;
      const { leaves } = await readLeaves(session, oid);
      meter.phase("setting to null", pagesBefore(leaves, leaves.length), 0);
      await eachBatch(worker, {
        leaves,
        leaf: 0,
        page: 0,
        async isPaused() {
          // The server ends a session that is idle for as long as a replica may take to catch up.
          await session.query("select");
          return false;
        },
        async work(leaf, { first, end }) {
          const changed = await session.query(
            `update only ${leaf.name} as ${alias} set ${nulls} where ${pageRange(first, end)} and (${filled}) returning 1`,
          );
          more += changed.length;
          return rows + more;
        },
      });
      rows += more;
    }
    return rows;
  } finally {
    stopTelling();
  }
}

/** What others wrote behind the last round, and rows of pages that somebody held all the time. */
async function countFilled(session: Session, { table, columns }: Backfill): Promise<number> {
  const filled = columns.map(({ name }) => `${name} is not null`).join(" or ");
  const [row] = await session.query<{ left: number }>(
    `select count(*)::float8 as "left" from ${table} where ${filled}`,
  );
  return row!.left;
}

async function finish(
  session: Session,
  { settings, identity }: Named,
  options: BackfillOptions,
  what: string,
): Promise<UndoReport> {
  const { name } = identity;
  await inFencedTransaction(session, lockOptions(settings, options), {
    label: name,
    file: `the checkpoint ${name}`,
    async run() {
      await session.query("delete from tminus.backfill where name = $1", [name]);
      return true;
    },
  });
  return { rows: 0, reason: `the trigger is gone; ${what}` };
}
