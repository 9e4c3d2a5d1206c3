import { TminusError } from "../../errors.ts";
import { sqlStateOf } from "../session/connect.ts";
import { checkFence } from "../session/fence.ts";
import type { Leaf } from "./backfill.ts";
import { holdReason, nextPace, restMs, type HoldReason } from "./pacing.ts";
import { batchSetting } from "./sync-trigger.ts";
import type { BackfillWorker } from "./worker.ts";

/** Answers to a batch that stood in somebody's way, or took too long: lock_not_available, deadlock_detected, query_canceled. */
const YIELDING = ["55P03", "40P01", "57014"];
/** A row lock that does not come keeps all that the batch has: less than what deadlock detection needs. */
const ROW_LOCK_TIMEOUT_MS = 100;
const BATCH_TIMEOUT_MS = 60_000;
/** Then the sweep is left to fill the page: its rows are held for long. */
const TRIES_OF_ONE_PAGE = 10;
const BACKOFF_MS = 50;
const POLL_MS = 250;
/** A timer cannot wait less. */
const MIN_REST_MS = 1;

export interface PageLoop {
  leaves: readonly Leaf[];
  /** Where it begins. */
  leaf: number;
  page: number;
  /** Whether a person wants it to pause. */
  isPaused(): Promise<boolean>;
  /** Changes the rows of the pages inside a transaction; answers the rows of the whole loop so far. */
  work(leaf: Leaf, pages: { first: number; end: number }, index: number): Promise<number>;
}

/** Goes over the pages in paced batches, each in a fenced transaction. Errors: BACKFILL_FAILED, and what `work` throws. */
export async function eachBatch(worker: BackfillWorker, loop: PageLoop): Promise<void> {
  const { meter, options, health, limits } = worker;
  let { leaf, page } = loop;
  let tries = 0;
  for (; leaf < loop.leaves.length;) {
    const { pages } = loop.leaves[leaf]!;
    if (page >= pages) {
      leaf++;
      page = 0;
      continue;
    }
    await waitForLeave(worker, loop);
    const end = Math.min(pages, page + worker.pace.pages);
    const startedMs = options.clock.monotonicMs();
    const at = loop.leaves[leaf]!;
    const [index, first] = [leaf, page];
    const rows = await inBatch(worker, () => loop.work(at, { first, end }, index));
    const batchMs = rows === undefined ? undefined : options.clock.monotonicMs() - startedMs;
    worker.pace = nextPace(
      worker.pace,
      { batchMs, health: health.latest(), commits: health.takeCommits() },
      limits,
    );
    tries = rows === undefined && end - page === 1 ? tries + 1 : 0;
    if (rows !== undefined || tries >= TRIES_OF_ONE_PAGE) {
      page = end;
      tries = 0;
    }
    if (rows !== undefined) meter.at(pagesBefore(loop.leaves, leaf) + page, rows);
    else await options.clock.sleep(BACKOFF_MS, options.signal);
    await rest(worker, batchMs ?? 0);
  }
}

/** Rests after work of so many milliseconds, as the pace says. */
export async function rest({ pace, options }: BackfillWorker, workedMs: number): Promise<void> {
  const ms = restMs(pace, workedMs);
  if (ms >= MIN_REST_MS) await options.clock.sleep(ms, options.signal);
}

/** Pages of the leaves before this one. */
export function pagesBefore(leaves: readonly Leaf[], leaf: number): number {
  return leaves.slice(0, leaf).reduce((sum, { pages }) => sum + pages, 0);
}

/**
 * One fenced transaction under the batch settings: row locks are not waited for, the trigger is not called, and
 * the commit does not wait for the disk, because the checkpoint is lost or kept together with the rows.
 * Undefined when it had to yield and was rolled back.
 */
export async function inBatch<T>(
  { session, backfill, options }: BackfillWorker,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    await session.query(
      `begin transaction isolation level read committed read write; set local lock_timeout = ${ROW_LOCK_TIMEOUT_MS};
       set local statement_timeout = ${BATCH_TIMEOUT_MS}; set local synchronous_commit = off;
       set local ${batchSetting(backfill)} = 'on'`,
    );
    await checkFence(session, options.fence);
    const result = await work();
    await session.query("commit");
    return result;
  } catch (error) {
    await session.rollback();
    const state = sqlStateOf(error);
    if (state === undefined) throw error;
    if (YIELDING.includes(state)) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    throw new TminusError("BACKFILL_FAILED", `${backfill.title}: ${reason} (${state})`, {
      details: { sqlState: state },
      cause: error,
    });
  }
}

const HOLDING: Record<Exclude<HoldReason, "dead rows">, string> = {
  replica: "waiting for a replica to catch up",
  "unseen replica":
    "waiting: there is a replica whose lag this role may not see (grant it pg_monitor, or set unseenReplicas: ignore)",
};

/** Returns when nobody wants a pause, no replica is too far behind and dead rows are few. */
async function waitForLeave(worker: BackfillWorker, { isPaused }: PageLoop): Promise<void> {
  const { health, limits, meter, options } = worker;
  try {
    for (;;) {
      const reason = (await isPaused()) ? "paused" : holdReason(health.latest(), limits);
      if (reason === undefined) return;
      if (reason === "dead rows") {
        meter.holding("waiting for a VACUUM");
        await vacuum(worker);
      } else {
        meter.holding(reason === "paused" ? "paused" : HOLDING[reason]);
        await options.clock.sleep(POLL_MS, options.signal);
      }
    }
  } finally {
    meter.holding(undefined);
  }
}

/** Our own, as gentle as the automatic one; when that one is at work already, it is enough. */
async function vacuum({ session, backfill, health }: BackfillWorker): Promise<void> {
  try {
    await session.query("set vacuum_cost_delay = '2ms'");
    await session.query(`vacuum (truncate off, skip_locked) ${backfill.table}`);
  } catch (error) {
    if (sqlStateOf(error) === undefined) throw error;
  }
  health.vacuumed();
}
