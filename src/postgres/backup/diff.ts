import { readOnly, type SessionOptions } from "../session/connect.ts";
import { readContents } from "./compare.ts";
import { addContents, type BackupManifest } from "./manifest.ts";
import { readRowSources, settleSession } from "./rows.ts";

/** What happened to a table since a backup. */
export interface TableChange {
  name: string;
  /** "new" and "gone" are tables that the backup, or the database, does not have. */
  state: "same" | "changed" | "new" | "gone";
  rowsInBackup: number;
  rowsNow: number;
  /**
   * Rows of now that were inserted or changed since: what a restore would not bring back. Undefined when the
   * database cannot tell, because its transactions are not those of the backup.
   */
  written: number | undefined;
}

/**
 * What was written since a backup, per table that is not the same, by name. The contents are compared by hash, and
 * the rows written are counted by the transactions that the backup did not see. Reads every table. Errors:
 * DATABASE_UNREACHABLE.
 */
export async function changesSince(
  manifest: BackupManifest,
  options: SessionOptions & { jobs: number },
): Promise<TableChange[]> {
  const { sources, written } = await readOnly(options, async (session) => {
    await settleSession(session);
    const found = await readRowSources(session);
    const counts = new Map<string, number>();
    for (const { name } of found) {
      const rows = await session.query<{ count: string }>(writtenSql(name), [manifest.snapshot.transactions]);
      counts.set(name, Number(rows[0]!.count));
    }
    return { sources: found, written: counts };
  });
  const now = await readContents(sources, options);
  const before = new Map(manifest.tables.map(({ name, content }) => [name, content]));
  const names = new Set([...before.keys(), ...now.keys()]);
  for (const name of manifest.excluded) names.delete(name);
  return [...names].toSorted().flatMap((name): TableChange[] => {
    const [old, current] = [before.get(name), now.get(name)];
    const isSame =
      old !== undefined &&
      current !== undefined &&
      old.sum === current.sum &&
      old.xor === current.xor &&
      old.rows === current.rows;
    if (isSame) return [];
    const count = written.get(name) ?? 0;
    // Another content without a row that was written: rows were only deleted, or the transactions are of another server.
    const isTold = count > 0 || (current ?? addContents([])).rows < (old ?? addContents([])).rows;
    return [
      {
        name,
        state: old === undefined ? "new" : current === undefined ? "gone" : "changed",
        rowsInBackup: old?.rows ?? 0,
        rowsNow: current?.rows ?? 0,
        written: isTold || current === undefined ? count : undefined,
      },
    ];
  });
}

/**
 * Counts rows whose inserting transaction the backup's snapshot ($1) does not see. A row knows 32 bits of its
 * transaction; age() says how long ago that was, and the full number follows from the next one.
 */
function writtenSql(name: string): string {
  return `with s as (select $1::pg_snapshot as old, pg_snapshot_xmax(pg_current_snapshot())::text::numeric as next)
    select count(*)::text as count from only ${name} t, s
    where age(t.xmin) between 0 and s.next - pg_snapshot_xmin(s.old)::text::numeric
      and not pg_visible_in_snapshot((s.next - age(t.xmin))::text::xid8, s.old)`;
}
