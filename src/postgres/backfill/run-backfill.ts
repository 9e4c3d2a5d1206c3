import { hasCode, TminusError } from "../../errors.ts";
import type { BackfillSettings } from "../../model/backfill.ts";
import { inFencedTransaction } from "../migrations/transaction.ts";
import { readOnly, type Session } from "../session/connect.ts";
import type { Backfill, BackfillProblem } from "./backfill.ts";
import {
  advanceCheckpoint,
  beginCheckpoint,
  ensureCheckpoints,
  readCheckpoint,
  takeCheckpoint,
  type Checkpoint,
} from "./checkpoint.ts";
import { readLeaves } from "./catalog.ts";
import { fill } from "./fill.ts";
import { watchHealth } from "./health.ts";
import { openMeter } from "./progress.ts";
import { resolveBackfill } from "./resolve.ts";
import { sweep } from "./sweep.ts";
import { dropTrigger, findTrigger, installTrigger } from "./sync-trigger.ts";
import { keepTelling, limitsOf, lockOptions, type BackfillOptions, type BackfillWorker } from "./worker.ts";
import { settleBackfill, withBackfillSession } from "./with-backfill-session.ts";

const READ_TIMEOUT_MS = 60_000;
/** A table that is rewritten more often than this while it is filled is left alone. */
const MAX_BEGINNINGS = 5;

export interface BackfillReport {
  /** Rows changed by the batches and the sweeps; those that the trigger filled are not counted. */
  rows: number;
  /** Sweeps that found something. */
  sweeps: number;
  trigger: "drop" | "keep";
}

/**
 * Fills the table, from the checkpoint on when there is one. Installs the trigger, fills page after page, looks
 * at every page until nothing is left, and drops the trigger unless it is to stay. May be repeated after any
 * crash. Errors: BACKFILL_REFUSED, BACKFILL_FAILED (then the trigger is gone, so that it hinders no writer),
 * BACKFILL_TAKEN, MIGRATION_LOCKED, LEASE_LOST, DATABASE_UNREACHABLE.
 */
export async function runBackfill(
  settings: BackfillSettings,
  options: BackfillOptions,
): Promise<BackfillReport> {
  const look = { ...options, purpose: "look", statementTimeoutMs: READ_TIMEOUT_MS };
  const resolved = await readOnly(look, (session) => resolveBackfill(session, settings));
  if ("problems" in resolved) throw refused(resolved.problems);
  const { backfill } = resolved;
  return withBackfillSession(backfill, options, async (session) => {
    try {
      await ensureCheckpoints(session);
      return await carryOut(session, backfill, options);
    } catch (error) {
      if (hasCode(error, "BACKFILL_FAILED")) await release(session, backfill, options);
      throw error;
    }
  });
}

async function carryOut(
  session: Session,
  backfill: Backfill,
  options: BackfillOptions,
): Promise<BackfillReport> {
  const { settings, oid, leaves, title } = backfill;
  await using health = await watchHealth({ ...options, oid, leaves });
  const meter = openMeter(title);
  const pace = { pages: settings.batchPages, pauseMs: 0, duty: 1 };
  const worker: BackfillWorker = {
    backfill,
    options,
    session,
    health,
    meter,
    limits: limitsOf(settings),
    pace,
  };
  const stopTelling = keepTelling(meter, options);
  try {
    let checkpoint = await goOn(session, backfill, options);
    await settleBackfill(session, backfill.searchPath);
    for (let beginnings = 1; checkpoint.state === "filling"; beginnings++) {
      if ((await fill(worker, checkpoint)) === "filled") break;
      if (beginnings >= MAX_BEGINNINGS)
        throw new TminusError("BACKFILL_FAILED", `${title} was rewritten ${beginnings} times meanwhile`);
      options.progress(`${title} was rewritten meanwhile; beginning again at its first page`);
      checkpoint = await begin(session, backfill, options);
      await settleBackfill(session, backfill.searchPath);
    }
    const filled = await readCheckpoint(session, backfill.name);
    await sweep(worker, { ...checkpoint, rows: filled?.rows ?? checkpoint.rows });
    return await finish(session, worker, checkpoint);
  } finally {
    stopTelling();
  }
}

/** Takes the checkpoint on when trigger and pages are still those that it speaks of; else begins at the first page. */
async function goOn(session: Session, backfill: Backfill, options: BackfillOptions): Promise<Checkpoint> {
  const before = await readCheckpoint(session, backfill.name);
  if (before === undefined || before.state === "done") return begin(session, backfill, options);
  if ((await findTrigger(session, backfill)) !== before.triggerOid) return begin(session, backfill, options);
  const { leaves } = await readLeaves(session, backfill.oid);
  const isSame = before.leaves.every((leaf) =>
    leaves.some(({ oid, filenode }) => oid === leaf.oid && filenode === leaf.filenode),
  );
  if (!isSame) return begin(session, backfill, options);
  let took: Checkpoint | undefined;
  await inFencedTransaction(session, lockOptions(backfill.settings, options), {
    label: backfill.name,
    file: `the checkpoint of ${backfill.title}`,
    async run() {
      took = await takeCheckpoint(session, backfill.name, options);
      return took !== undefined;
    },
  });
  return took ?? begin(session, backfill, options);
}

async function begin(session: Session, backfill: Backfill, options: BackfillOptions): Promise<Checkpoint> {
  await inFencedTransaction(session, lockOptions(backfill.settings, options), {
    label: backfill.name,
    file: `the trigger on ${backfill.title}`,
    async run() {
      await beginCheckpoint(session, backfill, options, await installTrigger(session, backfill));
      return true;
    },
  });
  const checkpoint = await readCheckpoint(session, backfill.name);
  if (checkpoint === undefined)
    throw new TminusError("BACKFILL_TAKEN", `${backfill.name} was taken back at once`);
  return checkpoint;
}

async function finish(
  session: Session,
  { backfill, options }: BackfillWorker,
  checkpoint: Checkpoint,
): Promise<BackfillReport> {
  const { trigger } = backfill.settings;
  await inFencedTransaction(session, lockOptions(backfill.settings, options), {
    label: backfill.name,
    file: `the trigger on ${backfill.title}`,
    async run() {
      if (trigger === "drop") await dropTrigger(session, backfill);
      await advanceCheckpoint(session, checkpoint, { state: "done" });
      return true;
    },
  });
  const done = await readCheckpoint(session, backfill.name);
  return { rows: done?.rows ?? 0, sweeps: done?.sweeps ?? 0, trigger };
}

/** A backfill that cannot go on must not leave a trigger that may fail for writers in the same way. */
async function release(session: Session, backfill: Backfill, options: BackfillOptions): Promise<void> {
  await inFencedTransaction(session, lockOptions(backfill.settings, options), {
    label: backfill.name,
    file: `the trigger on ${backfill.title}`,
    async run() {
      await dropTrigger(session, backfill);
      return true;
    },
  });
}

function refused(problems: readonly BackfillProblem[]): TminusError {
  return new TminusError("BACKFILL_REFUSED", problems.map(({ reason }) => reason).join("\n"), {
    hint: problems[0]!.fix,
    details: { problems },
  });
}
