import type { Session } from "../session/connect.ts";
import type { Migration } from "./migration.ts";
import type { MigrateOptions } from "./migrate-options.ts";

/**
 * Writes the ledger row; belongs into the transaction of the effect. False when the row is there already. Waits
 * for a transaction that is just writing it.
 */
export async function recordApplied(
  session: Session,
  { version, name, checksum, transactional, down }: Migration,
  { appliedBy, runKey, fence }: MigrateOptions,
  durationMs = 0,
): Promise<boolean> {
  const rows = await session.query(
    `insert into tminus.migration
       (version, name, checksum, duration_ms, applied_by, run_key, fence_token, transactional, down_sql, down_line)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (version) do nothing returning version`,
    [
      version,
      name,
      checksum,
      durationMs,
      appliedBy,
      runKey,
      fence.token,
      transactional,
      down?.sql ?? null,
      down?.line ?? null,
    ],
  );
  return rows.length > 0;
}
