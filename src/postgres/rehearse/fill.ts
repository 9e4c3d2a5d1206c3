import { sqlStateOf } from "../session/connect.ts";
import { madeUpValue } from "./made-up-value.ts";
import type { Production } from "./production.ts";
import type { Rehearsal } from "./rehearsal.ts";
import { quoteName, readShapes, type TableShape } from "./table-shape.ts";
import type { Workbench } from "./workbench.ts";

export type Filled = Rehearsal["filled"][number];

/** Enough to tell a scan from a change of the catalog, and little enough to be quick. */
const MAX_ROWS = 20_000;
/** For tables that no pending file names: others may refer to them. */
const ROWS_OF_OTHERS = 200;
/** Where production was never asked to count. */
const ROWS_UNKNOWN = 1_000;

/**
 * Gives every table made-up rows, as many as production has up to a limit, parents first. `isNamed`: whether a
 * pending file names the table. Foreign keys, unique indexes, NOT NULL and CHECK hold; where no rows can be
 * made, the note says why.
 */
export async function fillTables(
  bench: Workbench,
  production: Production,
  isNamed: (relation: string) => boolean,
): Promise<Filled[]> {
  const shapes = parentsFirst(await readShapes(bench));
  const counts = new Map<string, number>();
  const filled: Filled[] = [];
  await bench.query("set session_replication_role = replica");
  for (const table of shapes) {
    const known = production.rows.has(table.relation) ? production.rows.get(table.relation)! : 0;
    const limit = isNamed(table.relation) ? MAX_ROWS : ROWS_OF_OTHERS;
    const wanted = Math.ceil(Math.min(limit, known ?? ROWS_UNKNOWN));
    const { rows, note } =
      wanted === 0 ? { rows: 0 } : await fillTable(bench, table, { wanted, counts, shapes, production });
    counts.set(table.oid, rows);
    filled.push({
      relation: table.relation,
      rows,
      production: known,
      ...(note === undefined ? {} : { note }),
    });
  }
  await bench.reset();
  await bench.query("analyze");
  return filled.toSorted((a, b) => (a.relation < b.relation ? -1 : 1));
}

interface FillOptions {
  wanted: number;
  /** Rows of the tables that were filled before, by oid. */
  counts: ReadonlyMap<string, number>;
  shapes: readonly TableShape[];
  production: Production;
}

async function fillTable(
  bench: Workbench,
  table: TableShape,
  options: FillOptions,
): Promise<{ rows: number; note?: string }> {
  const insert = insertStatement(table, options);
  if ("problem" in insert) return { rows: 0, note: insert.problem };
  try {
    await bench.query(insert.sql);
  } catch (error) {
    const state = sqlStateOf(error);
    if (state === undefined || !(error instanceof Error)) throw error;
    return { rows: 0, note: `no rows could be made up: ${error.message} (${state})` };
  }
  const [row] = await bench.query<{ rows: number }>(`select count(*)::integer as rows from ${table.quoted}`);
  const rows = row?.rows ?? 0;
  return rows > 0 ? { rows } : { rows, note: `no made-up row passes its checks: ${table.checks.join("; ")}` };
}

function insertStatement(table: TableShape, options: FillOptions): { sql: string } | { problem: string } {
  const { wanted, counts, shapes, production } = options;
  const values = new Map<string, string>();
  const joins: string[] = [];
  let stride = 1;
  for (const [index, key] of table.foreignKeys.entries()) {
    if (key.columns.some((name) => values.has(name))) continue;
    const parent = shapes.find(({ oid }) => oid === key.parent);
    const rows = counts.get(key.parent) ?? 0;
    const isRequired = key.columns.some((name) => columnOf(table, name)?.required === true);
    if (rows === 0 || parent === undefined) {
      if (isRequired)
        return { problem: `${parent?.relation ?? "a table"}, to which it refers, has no rows yet` };
      for (const name of key.columns) values.set(name, `null::${columnOf(table, name)?.type}`);
      continue;
    }
    const columns = key.parentColumns.map(quoteName).join(", ");
    joins.push(
      `join (select row_number() over () - 1 as n, ${columns} from ${parent.quoted}) p${index}
         on p${index}.n = ((i - 1) / ${stride}) % ${rows}`,
    );
    for (const [at, name] of key.columns.entries())
      values.set(name, `p${index}.${quoteName(key.parentColumns[at]!)}`);
    // Pairs of parents stay different for as long as there are pairs.
    if (
      table.uniques.some((unique) => unique.length > 1 && key.columns.every((name) => unique.includes(name)))
    )
      stride *= rows;
  }
  for (const column of table.columns) {
    if (values.has(column.name) || column.isAutomatic) continue;
    const isUnique = table.uniques.some((unique) => unique.includes(column.name));
    const statistics = production.columns.get(`${table.relation}.${column.name}`);
    const value = madeUpValue(column, table, { rows: wanted, isUnique, statistics });
    if (value !== undefined) values.set(column.name, value);
    else if (column.required) return { problem: `no value is known for ${column.name} ${column.type}` };
  }
  const names = [...values.keys()].map(quoteName).join(", ");
  const rows = `generate_series(1::bigint, ${wanted}) g(i) ${joins.join(" ")}`;
  if (values.size === 0) return { sql: emptyRows(table, wanted) };
  const kept = table.checks.map((check) => `(${check}) is not false`).join(" and ") || "true";
  return {
    sql: `insert into ${table.quoted} (${names})
      select ${names} from (select ${[...values.values()].join(", ")} from ${rows}) made(${names})
      where ${kept} on conflict do nothing`,
  };
}

/** A table of which the server fills every column. */
function emptyRows({ quoted }: TableShape, wanted: number): string {
  return `do $do$ begin for n in 1..${wanted} loop insert into ${quoted} default values; end loop; end $do$`;
}

function columnOf(table: TableShape, name: string) {
  return table.columns.find((column) => column.name === name);
}

/** A table comes after those to which it must refer; in a circle the rest comes in the order of names. */
function parentsFirst(shapes: readonly TableShape[]): TableShape[] {
  const left = [...shapes];
  const ordered: TableShape[] = [];
  const isDone = (oid: string): boolean => !left.some((table) => table.oid === oid);
  while (left.length > 0) {
    const next = left.findIndex(({ oid, foreignKeys }) =>
      foreignKeys.every(({ parent }) => parent === oid || isDone(parent)),
    );
    ordered.push(...left.splice(Math.max(0, next), 1));
  }
  return ordered;
}
