import { TminusError } from "../../errors.ts";
import type { LedgerRow } from "../migrations/ledger.ts";
import type { RevertGuard } from "../migrations/revert.ts";
import type { Session } from "../session/connect.ts";
import { quoted, quotedName, shownName } from "../sql/names.ts";
import { lockTable, readTable, type TableShape } from "../sql/table.ts";
import { readArchive, type ArchiveRow } from "./archive-schema.ts";

/** What was put back, for people and for the step's result. */
export type Restored = { what: string; rows: number };

/**
 * Puts archived values back while down sections run: each as soon as a statement has brought its table or column
 * back, so that a statement after it may require the values. Triggers of the table do not see it. Collects
 * into `restored`. Errors: MIGRATION_REFUSED, with the exact reason; the transaction is then rolled back.
 */
export function restoreGuard(restored: Restored[]): RevertGuard {
  let open: ArchiveRow[] = [];
  let found: Restored[] = [];
  return {
    async begin(session, row) {
      open = await readArchive(session, row.version);
      found = [];
      for (const item of open) {
        const table = await readTable(session, tableOf(item));
        if (item.kind !== "type" && isBack(item, table))
          throw refused(row, `${shownArchive(item)} is there again, made by somebody else`);
        if (item.kind === "type") await markChanged(session, item);
      }
    },
    async afterStatement(session) {
      for (const item of open) {
        const table = await readTable(session, tableOf(item));
        if (!isBack(item, table)) continue;
        found.push({ what: shownArchive(item), rows: await putBack(session, item, table!) });
        open = open.filter((other) => other !== item);
      }
    },
    end(row) {
      if (open[0] !== undefined)
        throw refused(row, `the down section does not bring ${shownArchive(open[0])} back`);
      restored.push(...found);
    },
  };
}

function isBack({ kind, columnName, columnType }: ArchiveRow, table: TableShape | undefined): boolean {
  if (kind === "table" || table === undefined) return table !== undefined;
  const column = table.columns.find(({ name }) => name === columnName);
  return column !== undefined && (kind === "column" || column.type === columnType);
}

async function putBack(session: Session, item: ArchiveRow, table: TableShape): Promise<number> {
  await lockTable(session, table);
  const enable = await disableTriggers(session, table);
  const rows =
    item.kind === "table" ? await insertRows(session, item, table) : await update(session, item, table);
  // A deferred check that is still open would keep the table from being altered.
  await session.query("set constraints all immediate");
  await enable();
  await session.query("update tminus_archive.dropped set restored_at = clock_timestamp() where id = $1", [
    item.id,
  ]);
  return rows;
}

/** Rows deleted since stay deleted, rows inserted since keep what they have. */
async function update(session: Session, item: ArchiveRow, table: TableShape): Promise<number> {
  const column = table.columns.find(({ name }) => name === item.columnName)!;
  if (column.isGenerated) return 0;
  const name = quoted(column.name);
  const unchanged = item.kind === "type" ? "and not a.changed" : "";
  const updated = await session.query<{ rows: number }>(
    `with updated as (
       update ${quotedName(table)} t set ${name} = a.value from ${fromArchive(item)} a
       where ${onKey(item)} ${unchanged} and t.${name}::text is distinct from a.value::text returning 1)
     select count(*)::float8 as rows from updated`,
  );
  return updated[0]!.rows;
}

async function insertRows(session: Session, item: ArchiveRow, table: TableShape): Promise<number> {
  const archived = await session.query<{ name: string }>(
    "select attname::text as name from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attnum",
    [fromArchive(item)],
  );
  const columns = archived.flatMap(({ name }) => {
    const column = table.columns.find((other) => other.name === name);
    if (column === undefined)
      throw refused(item, `the down section makes ${shownArchive(item)} without its column ${name}`);
    return column.isGenerated ? [] : [quoted(name)];
  });
  const list = columns.join(", ");
  if (columns.length > 0) {
    await session.query(
      `insert into ${quotedName(table)} (${list}) overriding system value select ${list} from ${fromArchive(item)}`,
    );
  }
  for (const [column, { value, isCalled }] of Object.entries(item.sequences)) {
    await session.query(
      "select setval(s, $3, $4) from (select pg_get_serial_sequence($1, $2) as s) x where s is not null",
      [quotedName(table), column, value, isCalled],
    );
  }
  return item.rows;
}

/** Values that were written after the type changed stay as they are. */
async function markChanged(session: Session, item: ArchiveRow): Promise<void> {
  const table = tableOf(item);
  await lockTable(session, table);
  await session.query(
    `update ${fromArchive(item)} a set changed = true from ${quotedName(table)} t
     where ${onKey(item)} and t.${quoted(item.columnName!)}::text is distinct from a.became::text`,
  );
}

/** Answers what switches them on again, each in the way it was on. */
async function disableTriggers(session: Session, table: TableShape): Promise<() => Promise<void>> {
  const triggers = await session.query<{ name: string; mode: string }>(
    "select tgname as name, tgenabled as mode from pg_trigger where tgrelid = $1::oid and not tgisinternal and tgenabled in ('O', 'A')",
    [table.oid],
  );
  const alter = async (words: (mode: string) => string): Promise<void> => {
    for (const { name, mode } of triggers)
      await session.query(`alter table ${quotedName(table)} ${words(mode)} trigger ${quoted(name)}`);
  };
  await alter(() => "disable");
  return () => alter((mode) => (mode === "A" ? "enable always" : "enable"));
}

function tableOf({ schemaName, tableName }: ArchiveRow): { schema: string; name: string } {
  return { schema: schemaName, name: tableName };
}

function shownArchive(item: ArchiveRow): string {
  const table = shownName(tableOf(item));
  return item.columnName === null ? table : `${table}.${item.columnName}`;
}

function fromArchive({ archiveTable }: ArchiveRow): string {
  return `tminus_archive.${quoted(archiveTable)}`;
}

function onKey({ keyColumns }: ArchiveRow): string {
  return keyColumns.map((name, index) => `t.${quoted(name)} = a.key_${index + 1}`).join(" and ");
}

function refused({ version }: Pick<LedgerRow, "version">, reason: string): TminusError {
  return new TminusError("MIGRATION_REFUSED", `${version}: ${reason}; nothing of it was undone`, {
    hint: "Put the values back by hand from the schema tminus_archive, or mend the down section in tminus.migration.",
  });
}
