import { ensureLedger } from "../migrations/ledger.ts";
import type { MigrateOptions } from "../migrations/migrate-options.ts";
import { isAboutLocks } from "../migrations/lock-retries.ts";
import { inFencedTransaction } from "../migrations/transaction.ts";
import { withSession } from "../migrations/with-session.ts";
import { sqlStateOf, type Session } from "../session/connect.ts";
import { countArchived, listArchive, type KeptArchive } from "./archive-list.ts";

/** What is to be removed, with the number of rows that the person was shown; null for a table that is gone. */
export type ToRemove = KeptArchive & { counted: number | null };

/** What became of one of them. */
export interface RemovedArchive {
  id: string;
  /** Why it stays; undefined when it was seen to be gone. */
  kept: string | undefined;
}

/**
 * Removes archived tables with their notes, each in its own short fenced transaction, and then looks whether they
 * are gone. One that no longer has the rows that were counted stays, and so does one that something else depends on.
 * The caller knows that no run may still undo them. Safe to repeat, also after a crash anywhere.
 * Errors: MIGRATION_LOCKED, LEASE_LOST, DATABASE_UNREACHABLE; those before the one that failed are then gone.
 */
export function removeArchived(
  chosen: readonly ToRemove[],
  options: MigrateOptions,
): Promise<RemovedArchive[]> {
  const reasons = new Map<string, string>();
  return withSession(options, async (session) => {
    // The fence is in it.
    await ensureLedger(session);
    for (const item of chosen) {
      options.signal.throwIfAborted();
      const reason = await removeOne(session, item, options);
      if (reason === undefined) continue;
      reasons.set(item.id, reason);
    }
    const left = new Set((await listArchive(session)).map(({ id }) => id));
    const tables = await countArchived(session, chosen);
    return chosen.map(({ id }) => {
      const isThere = left.has(id) || tables.get(id) !== null;
      return { id, kept: isThere ? (reasons.get(id) ?? "it is still there") : undefined };
    });
  });
}

async function removeOne(
  session: Session,
  { id, what, table, counted }: ToRemove,
  options: MigrateOptions,
): Promise<string | undefined> {
  let reason: string | undefined;
  try {
    const isRemoved = await inFencedTransaction(session, options, {
      label: `archive ${id}`,
      file: table,
      async run() {
        const noted = await session.query("select 1 from tminus_archive.dropped where id = $1 for update", [
          id,
        ]);
        if (noted.length === 0) return false;
        if (counted !== null) await session.query(`lock table ${table} in access exclusive mode`);
        const now = (await countArchived(session, [{ id, table }])).get(id);
        if (now !== counted) {
          reason = `it had ${counted ?? "no"} rows when they were counted, and now ${now ?? "no"}`;
          return false;
        }
        if (counted !== null) await session.query(`drop table ${table}`);
        await session.query("delete from tminus_archive.dropped where id = $1", [id]);
        return true;
      },
    });
    if (isRemoved) options.progress(`${id}  ${what}: removed`);
    return reason;
  } catch (error) {
    // What the database refuses of this one says nothing about the others.
    if (sqlStateOf(error) === undefined || isAboutLocks(error)) throw error;
    return error instanceof Error ? error.message : String(error);
  }
}
