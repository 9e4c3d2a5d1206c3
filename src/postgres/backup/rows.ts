import type { Session } from "../session/connect.ts";
import { copyThrough } from "./copy.ts";
import type { RowContent } from "./manifest.ts";
import { RowContentSum } from "./row-content.ts";
import { USER_NAMESPACE, grouped, notOfExtension } from "./schema/catalog.ts";

/** A table that has rows of its own. */
export interface RowSource {
  /** As SQL, qualified and quoted. */
  name: string;
  columns: string[];
  format: "binary" | "text";
  pages: number;
  /** With what is stored out of line. */
  bytes: number;
}

/** A range of pages: from `from` to before `to`; the last has no end. */
export interface PageRange {
  from: number;
  to: number | undefined;
}

/** 64 MB of the table: enough to run at full speed, and little enough to show progress and to share out. */
const PAGES_PER_PART = 8192;

/**
 * Settings under which values look the same on every server, and which let row security refuse instead of
 * leaving rows out.
 */
export async function settleSession(session: Session): Promise<void> {
  await session.query(
    `select set_config(name, value, false) from (values ('search_path', ''), ('row_security', 'off'), ('datestyle', 'ISO'),
       ('intervalstyle', 'postgres'), ('timezone', 'UTC'), ('extra_float_digits', '3'), ('bytea_output', 'hex'),
       ('lc_monetary', 'C'), ('jit', 'off'), ('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0')) s (name, value)`,
  );
}

/** Every table with rows, by name. */
export async function readRowSources(session: Session): Promise<RowSource[]> {
  interface Row {
    name: string;
    pages: number;
    bytes: string;
    column: string | null;
    type: string | null;
    element: string | null;
    isEnum: boolean;
    generated: string;
  }
  const rows = await session.query<Row>(
    `select c.oid::regclass::text as name, 
       (pg_relation_size(c.oid) / current_setting('block_size')::int)::int as pages, pg_table_size(c.oid)::text as bytes,
       quote_ident(a.attname) as column, case when t.oid < 16384 and t.typtype = 'b' and t.typelem = 0 then t.typname end as type,
       case when t.typcategory = 'A' and el.oid < 16384 and el.typtype = 'b' then el.typname end as element,
       coalesce(t.typtype = 'e', false) as "isEnum", coalesce(a.attgenerated, '') as generated
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
       left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       left join pg_type t on t.oid = a.atttypid left join pg_type el on el.oid = t.typelem
     where c.relkind = 'r' and c.relpersistence <> 't' and ${USER_NAMESPACE} and ${notOfExtension("pg_class", "c.oid")}
     order by c.oid::regclass::text collate "C", a.attnum`,
  );
  return [...grouped(rows, ({ name }) => name)].map(([name, all]) => {
    const stored = all.filter(({ column, generated }) => column !== null && generated === "");
    const isBinary = stored.every(({ type, element, isEnum }) => isEnum || BINARY.has(type ?? element ?? ""));
    const { pages, bytes } = all[0]!;
    return {
      name,
      columns: stored.map(({ column }) => column!),
      format: isBinary ? "binary" : "text",
      pages,
      bytes: Number(bytes),
    };
  });
}

export function rangesOf({ pages }: RowSource): PageRange[] {
  const ranges: PageRange[] = [];
  for (let from = 0; from < pages; from += PAGES_PER_PART) ranges.push({ from, to: from + PAGES_PER_PART });
  const last = ranges.at(-1);
  if (last === undefined) return [{ from: 0, to: undefined }];
  last.to = undefined;
  return ranges;
}

/** `COPY … TO STDOUT` for a range. */
export function copyOutSql({ name, columns, format }: RowSource, range: PageRange): string {
  return `copy (select ${columns.join(", ")} from only ${name} ${whereOf(range)}) to stdout (format ${format})`;
}

/** What the rows of a range add up to; all of them come here for it. */
export async function readContent(
  session: Session,
  source: RowSource,
  range: PageRange,
): Promise<RowContent> {
  const sum = new RowContentSum(source);
  await copyThrough(session, copyOutSql(source, range), sum);
  return sum.content;
}

function whereOf({ from, to }: PageRange): string {
  const conditions = [
    ...(from === 0 ? [] : [`ctid >= '(${from},0)'::tid`]),
    ...(to === undefined ? [] : [`ctid < '(${to},0)'::tid`]),
  ];
  return conditions.length === 0 ? "" : `where ${conditions.join(" and ")}`;
}

/** Types whose binary form has been the same in every version and names no object by its number. */
const BINARY: ReadonlySet<string> = new Set([
  ..."bool char name int2 int4 int8 oid float4 float8 numeric text varchar bpchar bytea".split(" "),
  ..."date time timetz timestamp timestamptz interval uuid json jsonb inet cidr macaddr macaddr8".split(" "),
]);
