import { TminusError } from "../../errors.ts";
import { describeBlocker, watchLocks } from "../session/lock-watch.ts";
import { pageRange, updateOf, type Leaf } from "./backfill.ts";
import { inBatch, pagesBefore, rest } from "./batches.ts";
import { readLeaves } from "./catalog.ts";
import { advanceCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { readWanted, triggerGone } from "./fill.ts";
import { nextDuty } from "./pacing.ts";
import { findTrigger } from "./sync-trigger.ts";
import type { BackfillWorker } from "./worker.ts";

const MAX_SWEEPS = 5;
/** Rows fixed in one transaction. */
const ROWS_AT_ONCE = 500;
const BEFORE_ALL = "(0,0)";
const FIRST_PAGES = 1_000;
const MAX_PAGES = 65_536;
/** A look at pages keeps a snapshot open for about this long. */
const LOOK_TARGET_MS = 50;
const LOCK_TRIES = 60;
const BACKOFF_MS = 100;
const PAUSE_POLL_MS = 250;

/**
 * Looks at every page of every leaf, also those added meanwhile, for rows that are still to be filled, and fills
 * them; again until a whole sweep finds none. Most often that is the first. Errors: BACKFILL_FAILED when rows
 * are locked for long, or there are new ones after five sweeps; BACKFILL_TAKEN.
 */
export async function sweep(worker: BackfillWorker, begun: Checkpoint): Promise<void> {
  let checkpoint = begun;
  for (;;) {
    if (checkpoint.state !== "sweeping") checkpoint = await beginSweep(worker, checkpoint);
    const found = await sweepOnce(worker, checkpoint);
    const leaves = (await readLeaves(worker.session, worker.backfill.oid)).leaves;
    const isComplete = sameTables(leaves, checkpoint.leaves);
    if ((await findTrigger(worker.session, worker.backfill)) !== checkpoint.triggerOid)
      throw triggerGone(worker);
    if (found === 0 && isComplete) return;
    const sweeps = checkpoint.sweeps + 1;
    if (sweeps >= MAX_SWEEPS) throw endless(worker, found);
    checkpoint = await beginSweep(worker, { ...checkpoint, sweeps });
  }
}

async function beginSweep(worker: BackfillWorker, checkpoint: Checkpoint): Promise<Checkpoint> {
  const { leaves } = await readLeaves(worker.session, worker.backfill.oid);
  const fresh = { state: "sweeping", leaves, leaf: 0, page: 0, found: 0, sweeps: checkpoint.sweeps } as const;
  await advanceCheckpoint(worker.session, checkpoint, fresh);
  return { ...checkpoint, ...fresh };
}

/** Answers how many rows it found. */
async function sweepOnce(worker: BackfillWorker, checkpoint: Checkpoint): Promise<number> {
  const { session, meter, options, health, limits } = worker;
  const { leaves } = checkpoint;
  let { found, rows } = checkpoint;
  let pages = FIRST_PAGES;
  meter.phase("checking", pagesBefore(leaves, leaves.length), 0);
  for (let index = checkpoint.leaf; index < leaves.length; index++) {
    const leaf = leaves[index]!;
    let page = index === checkpoint.leaf ? checkpoint.page : 0;
    // Within the pages at hand it only goes on: a row that does not become right is met once a sweep.
    let after = BEFORE_ALL;
    while (page < leaf.pages) {
      const end = Math.min(leaf.pages, page + pages);
      const startedMs = options.clock.monotonicMs();
      const left = await findRemaining(worker, leaf, { first: page, end, after });
      const lookMs = options.clock.monotonicMs() - startedMs;
      pages = nextPages(pages, lookMs);
      if (left.length > 0) {
        const fixed = await fixRows(worker, leaf, left);
        found += left.length;
        rows += fixed;
      }
      // Where there were that many, there may be more of them.
      if (left.length < ROWS_AT_ONCE) page = end;
      after = left.length < ROWS_AT_ONCE ? BEFORE_ALL : left.at(-1)!;
      await advanceCheckpoint(session, checkpoint, { leaf: index, page, found, rows });
      meter.at(pagesBefore(leaves, index) + page, rows);
      await waitWhilePaused(worker, checkpoint);
      // Reading cleans pages up, too, and after a server's checkpoint that fills the write-ahead log.
      worker.pace = { ...worker.pace, duty: nextDuty(worker.pace.duty, health.takeCommits(), limits) };
      await rest(worker, lookMs);
    }
  }
  return found;
}

/** Places in order, those after `after`. */
async function findRemaining(
  { session, backfill }: BackfillWorker,
  leaf: Leaf,
  { first, end, after }: { first: number; end: number; after: string },
): Promise<string[]> {
  const rows = await session.query<{ at: string }>(
    `select ctid::text as at from only ${leaf.name} as ${backfill.alias}
     where ${pageRange(first, end)} and ctid > $1::tid and ${backfill.remaining} order by ctid limit ${ROWS_AT_ONCE}`,
    [after],
  );
  return rows.map(({ at }) => at);
}

/** A row that moved meanwhile was written by somebody, and filled by the trigger. */
async function fixRows(worker: BackfillWorker, leaf: Leaf, places: readonly string[]): Promise<number> {
  const { session, backfill, options } = worker;
  const watch = watchLocks(options.connectionString, session.pid, options.clock);
  try {
    for (let tries = 0; tries < LOCK_TRIES; tries++) {
      const rows = await inBatch(worker, () =>
        session.query(`${updateOf(backfill, leaf, "ctid = any ($1::tid[])")} returning 1`, [places]),
      );
      if (rows !== undefined) return rows.length;
      await options.clock.sleep(BACKOFF_MS * Math.min(10, tries + 1), options.signal);
    }
  } finally {
    await watch.stop();
  }
  const who = (await watch.stop()).map(describeBlocker).join("; ");
  throw new TminusError(
    "BACKFILL_FAILED",
    `${backfill.title}: rows are locked by others for too long: ${who === "" ? "nobody was caught" : who}`,
    {
      hint: "End the transaction that holds them, then run the backfill again: it passes over what is filled already.",
    },
  );
}

async function waitWhilePaused(worker: BackfillWorker, checkpoint: Checkpoint): Promise<void> {
  const { meter, options } = worker;
  while ((await readWanted(worker, checkpoint)) === "pause") {
    meter.holding("paused");
    await options.clock.sleep(PAUSE_POLL_MS, options.signal);
  }
  meter.holding(undefined);
}

function nextPages(pages: number, lookMs: number): number {
  if (lookMs > LOOK_TARGET_MS) return Math.max(1, Math.floor(pages / 2));
  return lookMs < LOOK_TARGET_MS / 2 ? Math.min(MAX_PAGES, pages * 2) : pages;
}

/** Pages added at the end do not matter: their rows were written under the trigger. */
function sameTables(now: readonly Leaf[], then: readonly Leaf[]): boolean {
  return now.every(({ oid, filenode }) =>
    then.some((leaf) => leaf.oid === oid && leaf.filenode === filenode),
  );
}

function endless({ backfill }: BackfillWorker, found: number): TminusError {
  return new TminusError(
    "BACKFILL_FAILED",
    `${backfill.title}: after ${MAX_SWEEPS} sweeps there were still ${found} rows to fill`,
    {
      hint: "Something writes rows past the trigger, or the expression changes its answer for the same row.",
    },
  );
}
