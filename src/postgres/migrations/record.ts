import type { Session } from "../session/connect.ts";
import { literal, type SqlValue } from "../session/literal.ts";
import type { Adoptable } from "./compare.ts";
import { historyOf } from "./history/registry.ts";
import type { LedgerRow } from "./ledger.ts";
import type { Statement } from "../sql/statements.ts";
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
  options: MigrateOptions,
  durationMs = 0,
): Promise<boolean> {
  const rows = await session.query(RECORD, recordValues(migration, options, durationMs));
  if (rows.length === 0) return false;
  const owners = await ownerSql(session, migration, durationMs);
  if (owners !== undefined) await session.query(owners);
  return true;
}

/** Writes the ledger row that recordValues answers; no row comes back when it is there already. */
export const RECORD = `insert into tminus.migration (version, name, checksum, duration_ms, applied_by, run_key, fence_token,
       transactional, down_sql, down_line, format, file)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     on conflict (version) do nothing returning version`;

/** The parameters of RECORD. */
export function recordValues(
  { format, version, name, file, checksum, transactional, down }: Migration,
  { appliedBy, runKey, fence }: MigrateOptions,
  durationMs = 0,
): SqlValue[] {
  const ours = [version, name, checksum, durationMs, appliedBy, runKey, fence.token, transactional];
  return [...ours, down?.sql ?? null, down?.line ?? null, format, file];
}

/** The statement that writes the row of the tool that owns the files; undefined when nobody else does. */
export async function ownerSql(
  session: Session,
  migration: Migration,
  durationMs = 0,
): Promise<string | undefined> {
  return historyOf(migration.format).owner?.recordSql(session, migration, durationMs);
}

/** Completes the ledger row of version $1: the time from the begin of the transaction; the commit is not in it. */
export const FINISH = `update tminus.migration
     set duration_ms = extract(epoch from clock_timestamp() - transaction_timestamp()) * 1000
     where version = $1`;

/** Whether a statement may leave the transaction with a role that cannot write to the ledger. */
const CHANGES_ROLE = /\brole\b|\bsession authorization\b/i;

/** What completes the ledger row at the end of the transaction. */
export function finishSql(migration: Migration): string[] {
  return [...ownRoleSql(migration.up), FINISH.replace("$1", () => literal(migration.version))];
}

/** Back to the session's role, when statements may have left it. */
export function ownRoleSql(statements: readonly Statement[]): string[] {
  return statements.some(({ code }) => CHANGES_ROLE.test(code))
    ? ["reset session authorization", "reset role"]
    : [];
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
