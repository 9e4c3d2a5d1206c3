import type { Loss } from "./rehearsal.ts";
import { FOREIGN_SCHEMAS, relationName } from "./reading.ts";
import type { Workbench } from "./workbench.ts";

/** The rows of every table at one moment. They are kept in the rehearsal's own database until `forget`. */
export interface Contents {
  /** Rows that were there and are not now, or not with these values. Tables without a loss are left out. */
  lostSince(): Promise<Loss[]>;
  forget(): Promise<void>;
}

interface KeptTable {
  relation: string;
  quoted: string;
  kept: string;
  columns: string[];
}

const MAX_TABLES = 5_000;
/** The order of columns may change when one is dropped and added again; jsonb has them by name. */
const ROW_HASH = "md5(to_jsonb(t)::text)";
const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Copies every row into a schema of the rehearsal's own: takes as much space as the tables do. */
export async function keepContents(bench: Workbench): Promise<Contents> {
  const tables = await withRows(bench, await listTables(bench));
  const copies = tables.map(
    ({ kept, quoted }) =>
      `create unlogged table ${kept} as select ${ROW_HASH} as hash, to_jsonb(t) as row from ${quoted} t`,
  );
  await bench.query(["create schema tminus_rehearsal", ...copies].join(";\n"));
  return {
    async lostSince() {
      const losses: Loss[] = [];
      for (const table of tables) {
        const loss = await compareTable(bench, table);
        if (loss !== undefined) losses.push(loss);
      }
      return losses;
    },
    async forget() {
      await bench.query("drop schema if exists tminus_rehearsal cascade");
    },
  };
}

async function listTables(bench: Workbench): Promise<KeptTable[]> {
  const rows = await bench.query<{ schema: string; name: string; oid: string; columns: string[] }>(
    `select n.nspname::text as schema, c.relname::text as name, c.oid::text as oid,
       array_agg(a.attname::text order by a.attnum) as columns
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relkind = 'r' and n.nspname !~ '${FOREIGN_SCHEMAS}' group by 1, 2, 3 order by 1, 2 limit ${MAX_TABLES}`,
  );
  return rows.map(({ schema, name, oid, columns }) => ({
    relation: relationName(schema, name),
    quoted: `${quoteName(schema)}.${quoteName(name)}`,
    kept: `tminus_rehearsal.rows_of_${oid}`,
    columns,
  }));
}

/** An empty table has nothing to lose. */
async function withRows(bench: Workbench, tables: readonly KeptTable[]): Promise<KeptTable[]> {
  if (tables.length === 0) return [];
  const each = tables.map(
    ({ quoted }, index) => `select ${index} as at where exists (select from ${quoted})`,
  );
  const rows = await bench.query<{ at: number }>(each.join(" union all "));
  const found = new Set(rows.map(({ at }) => at));
  return tables.filter((_table, index) => found.has(index));
}

async function compareTable(bench: Workbench, table: KeptTable): Promise<Loss | undefined> {
  const { relation, quoted, kept, columns } = table;
  const [found] = await bench.query<{ there: boolean }>("select to_regclass($1) is not null as there", [
    quoted,
  ]);
  const now = found?.there === true ? `select ${ROW_HASH} from ${quoted} t` : "select null::text where false";
  const [lost] = await bench.query<{ rows: number }>(
    `select count(*)::integer as rows from (select hash from ${kept} except all ${now}) lost`,
  );
  if (lost === undefined || lost.rows === 0) return undefined;
  if (found?.there !== true) return { relation, rows: lost.rows, columns };
  const changed: string[] = [];
  for (const column of columns) {
    const [difference] = await bench.query<{ differs: boolean }>(
      `select exists (select row -> $1::text from ${kept} except all select to_jsonb(t) -> $1::text from ${quoted} t) as differs`,
      [column],
    );
    if (difference?.differs === true) changed.push(column);
  }
  return { relation, rows: lost.rows, columns: changed };
}
