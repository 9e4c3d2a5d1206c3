import type { Session } from "../session/connect.ts";
import { literal } from "../session/literal.ts";
import type { Adoptable } from "./compare.ts";
import { historyOf } from "./history/registry.ts";
import type { LedgerRow } from "./ledger.ts";
import type { Migration } from "./migration.ts";
import type { MigrateOptions } from "./migrate-options.ts";

/** The run key of rows that a run did not apply but found in the table of the tool that owns the files. */
export const ADOPTED = "adopted";

/**
 * Writes the ledger row and the row of the tool that owns the files; belongs into the transaction of the effect.
 * False when the row is there already. Waits for a transaction that is just writing it.
 */
export async function recordApplied(
  session: Session,
  migration: Migration,
  { appliedBy, runKey, fence }: MigrateOptions,
  durationMs = 0,
): Promise<boolean> {
  const { format, version, name, file, checksum, transactional, down } = migration;
  const rows = await session.query(
    `insert into tminus.migration (version, name, checksum, duration_ms, applied_by, run_key, fence_token,
       transactional, down_sql, down_line, format, file)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
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
      format,
      file,
    ],
  );
  if (rows.length === 0) return false;
  await historyOf(format).owner?.record(session, migration, durationMs);
  return true;
}

/** Whether a statement may leave the transaction with a role that cannot write to the ledger. */
const CHANGES_ROLE = /\brole\b|\bsession authorization\b/i;

/** What completes the ledger row at the end of the transaction: the time from its begin; the commit is not in it. */
export function finishSql({ version, up }: Migration): string[] {
  const back = up.some(({ code }) => CHANGES_ROLE.test(code))
    ? ["reset session authorization", "reset role"]
    : [];
  return [
    ...back,
    `update tminus.migration
     set duration_ms = extract(epoch from clock_timestamp() - transaction_timestamp()) * 1000
     where version = ${literal(version)}`,
  ];
}

/** Takes back what recordApplied wrote. False when the row is not there; belongs into the transaction of the undo. */
export async function forgetApplied(
  session: Session,
  { format, version, runKey }: Pick<LedgerRow, "format" | "version" | "runKey">,
): Promise<boolean> {
  const rows = await session.query(
    "delete from tminus.migration where version = $1 and run_key = $2 returning version",
    [version, runKey],
  );
  if (rows.length === 0) return false;
  await historyOf(format).owner?.forget(session, { version });
  return true;
}

/** Takes over what the owner's tool has run: ledger rows as they are, nothing is run. Safe to repeat. */
export async function recordAdopted(
  session: Session,
  adoptable: readonly Adoptable[],
  { fence }: Pick<MigrateOptions, "fence">,
): Promise<void> {
  const rows = adoptable.map(({ migration, row }) => ({
    version: migration.version,
    name: migration.name,
    checksum: migration.checksum,
    applied_at: row.appliedAt,
    applied_by: historyOf(migration.format).owner?.name ?? "",
    transactional: migration.transactional,
    down_sql: migration.down?.sql ?? null,
    down_line: migration.down?.line ?? null,
    format: migration.format,
    file: migration.file,
  }));
  await session.query(
    `insert into tminus.migration (version, name, checksum, applied_at, duration_ms, applied_by, run_key, fence_token,
       transactional, down_sql, down_line, format, file)
     select version, name, checksum, coalesce(applied_at, clock_timestamp()), 0, applied_by, $2, $3,
       transactional, down_sql, down_line, format, file
     from jsonb_to_recordset($1) as r (version text, name text, checksum text, applied_at timestamptz,
       applied_by text, transactional boolean, down_sql text, down_line integer, format text, file text)
     on conflict (version) do nothing`,
    [JSON.stringify(rows), ADOPTED, fence.token],
  );
}
