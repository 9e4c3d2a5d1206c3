import { readLedger } from "../migrations/ledger.ts";
import { whyNotReverted } from "../migrations/revert.ts";
import type { Session } from "../session/connect.ts";
import { shownName } from "../sql/names.ts";
import { hasArchive } from "./archive-schema.ts";

/** One thing that is kept in the schema tminus_archive; plain JSON. */
export type KeptArchive = {
  id: string;
  kind: "column" | "table" | "type";
  /** "users.email" or "users". */
  what: string;
  version: string;
  /** Of the migration that dropped it; null when it is no longer in the ledger. */
  file: string | null;
  /** With its schema, as SQL. */
  table: string;
  /** Counted when it was archived. */
  rows: number;
  /** With indexes and TOAST; null when somebody has dropped the table, so that only the note of it is left. */
  bytes: number | null;
  /** ISO 8601. */
  archivedAt: string;
  archivedBy: string;
  /** Key of the run's step that archived it. */
  runKey: string;
  /** ISO 8601, when an undo put the values back; null before. */
  restoredAt: string | null;
  /** Why the database would refuse the undo now; null when it would not, or when it was done. */
  undoRefusal: string | null;
};

/** Everything that is noted there, oldest first. Reads only. */
export async function listArchive(session: Session): Promise<KeptArchive[]> {
  if (!(await hasArchive(session))) return [];
  const rows = await session.query<
    Omit<KeptArchive, "what" | "file" | "undoRefusal"> & {
      schema: string;
      name: string;
      column: string | null;
    }
  >(
    `select id::text as id, kind, version, format('tminus_archive.%I', archive_table) as table, rows::float8 as rows,
       pg_total_relation_size(to_regclass(format('tminus_archive.%I', archive_table)))::float8 as bytes,
       ${iso("archived_at")} as "archivedAt", archived_by as "archivedBy", run_key as "runKey",
       ${iso("restored_at")} as "restoredAt", schema_name as schema, table_name as name, column_name as column
     from tminus_archive.dropped order by dropped.id`,
  );
  const ledger = await readLedger(session);
  const refusals = new Map<string, string | undefined>();
  for (const { runKey } of rows)
    if (!refusals.has(runKey)) refusals.set(runKey, await whyNotReverted(session, runKey));
  return rows.map(({ schema, name, column, ...row }) => {
    const table = shownName({ schema, name });
    const applied = ledger.find(({ version, runKey }) => version === row.version && runKey === row.runKey);
    const refusal =
      applied === undefined
        ? "the ledger no longer says that this run applied the migration"
        : (refusals.get(row.runKey) ?? null);
    return {
      ...row,
      what: column === null ? table : `${table}.${column}`,
      file: ledger.find(({ version }) => version === row.version)?.file ?? null,
      undoRefusal: row.restoredAt === null ? refusal : null,
    };
  });
}

/** How many rows there are now; null where the table is gone. Reads only, whole tables. */
export async function countArchived(
  session: Session,
  kept: readonly Pick<KeptArchive, "id" | "table">[],
): Promise<Map<string, number | null>> {
  const counts = new Map<string, number | null>();
  for (const { id, table } of kept) {
    const [there] = await session.query<{ there: boolean }>("select to_regclass($1) is not null as there", [
      table,
    ]);
    if (there?.there !== true) {
      counts.set(id, null);
      continue;
    }
    const [row] = await session.query<{ rows: number }>(`select count(*)::float8 as rows from ${table}`);
    counts.set(id, row!.rows);
  }
  return counts;
}

function iso(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
}
