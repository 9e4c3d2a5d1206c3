import { TminusError } from "../../errors.ts";
import { pageRange, updateOf } from "./backfill.ts";
import { eachBatch, pagesBefore } from "./batches.ts";
import { taken, type Checkpoint } from "./checkpoint.ts";
import { triggerName } from "./sync-trigger.ts";
import type { BackfillWorker } from "./worker.ts";

/** What the checkpoint says after a batch. */
interface BatchRow {
  rows: number;
  wanted: Checkpoint["wanted"];
  filenode: number;
  hasTrigger: boolean;
}

/**
 * Fills page after page, from the checkpoint on, up to the page counts that it has. What is written meanwhile is
 * the trigger's. "rewritten": the table got new pages meanwhile (VACUUM FULL, CLUSTER), and the positions mean
 * nothing any more. Errors: BACKFILL_TAKEN, BACKFILL_FAILED.
 */
export async function fill(worker: BackfillWorker, checkpoint: Checkpoint): Promise<"filled" | "rewritten"> {
  const { session, meter } = worker;
  const { leaves, leaf, page, name, generation, triggerOid } = checkpoint;
  let { wanted } = checkpoint;
  meter.phase("filling", pagesBefore(leaves, leaves.length), pagesBefore(leaves, leaf) + page);
  meter.at(pagesBefore(leaves, leaf) + page, checkpoint.rows);
  try {
    await eachBatch(worker, {
      leaves,
      leaf,
      page,
      async isPaused() {
        if (wanted === "pause") wanted = await readWanted(worker, checkpoint);
        return wanted === "pause";
      },
      async work(at, { first, end }, index) {
        const [row] = await session.query<BatchRow>(
          `with batch as (${updateOf(worker.backfill, at, pageRange(first, end))} returning 1)
           update tminus.backfill set leaf = $3, page = $4, rows = rows + (select count(*) from batch),
             updated_at = clock_timestamp()
           where name = $1 and generation = $2
           returning rows::float8 as rows, wanted, coalesce(pg_relation_filenode($5::oid), 0)::int8::float8 as filenode,
             exists (select from pg_trigger where oid = $6::oid and tgenabled = 'A')
               and exists (select from pg_trigger where tgrelid = $5::oid and tgname = $7 and tgenabled = 'A') as "hasTrigger"`,
          [name, generation, index, end, at.oid, triggerOid, triggerName(worker.backfill)],
        );
        if (row === undefined) throw taken(name);
        if (row.filenode !== at.filenode) throw new Rewritten();
        if (!row.hasTrigger) throw triggerGone(worker);
        wanted = row.wanted;
        return row.rows;
      },
    });
    return "filled";
  } catch (error) {
    if (error instanceof Rewritten) return "rewritten";
    throw error;
  }
}

/** Errors: BACKFILL_TAKEN. */
export async function readWanted(
  { session }: BackfillWorker,
  { name, generation }: Checkpoint,
): Promise<Checkpoint["wanted"]> {
  const [row] = await session.query<{ wanted: Checkpoint["wanted"] }>(
    "select wanted from tminus.backfill where name = $1 and generation = $2",
    [name, generation],
  );
  if (row === undefined) throw taken(name);
  return row.wanted;
}

/** Rolls the batch's transaction back on its way out of it. */
class Rewritten extends Error {}

export function triggerGone({ backfill }: BackfillWorker): TminusError {
  return new TminusError(
    "BACKFILL_FAILED",
    `${backfill.title}: the trigger that fills rows written meanwhile was removed or disabled, so rows were missed`,
    { hint: "Run the backfill again: it begins anew and passes over what is filled already." },
  );
}
