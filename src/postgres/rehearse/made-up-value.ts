import type { ColumnStatistics } from "./production.ts";
import type { ColumnShape, TableShape } from "./table-shape.ts";

/** By type, as SQL over the number `v`, which is 1 for the first value. */
const VALUES: Readonly<Record<string, string>> = {
  bool: "v % 2 = 0",
  int2: "v % 32767",
  int4: "v",
  int8: "v",
  oid: "v",
  numeric: "v",
  float4: "v",
  float8: "v",
  money: "v",
  text: "'value ' || v",
  varchar: "'v' || v",
  citext: "'v' || v",
  bpchar: "to_hex(v)",
  name: "'n' || v",
  uuid: "md5(v::text)::uuid",
  date: "date '2020-01-01' + (v % 2000)::integer",
  time: "time '00:00' + v * interval '1 second'",
  timetz: "time '00:00' + v * interval '1 second'",
  timestamp: "timestamp '2020-01-01' + v * interval '1 minute'",
  timestamptz: "timestamptz '2020-01-01' + v * interval '1 minute'",
  interval: "v * interval '1 minute'",
  json: "json_build_object('n', v)",
  jsonb: "jsonb_build_object('n', v)",
  bytea: "decode(md5(v::text), 'hex')",
  inet: "inet '10.0.0.0' + v",
  cidr: "(inet '10.0.0.0' + v)::cidr",
  macaddr: "lpad(to_hex(v), 12, '0')::macaddr",
  bit: "0::bit",
  varbit: "v::bit(32)",
  tsvector: "to_tsvector('simple', 'value ' || v)",
  xml: "xmlelement(name n, v)",
  point: "point(v, v)",
};

/** Some columns are checked to look like what their name says. */
const BY_NAME: readonly [RegExp, string][] = [
  [/e_?mail/i, "'user' || v || '@example.org'"],
  [/ur[il]$|website|link/i, "'https://example.org/' || v"],
];
const TEXTS = ["text", "varchar", "citext"];

/**
 * SQL of a value for row `i` (1, 2, …) of `rows`, or undefined when none is known for the type. Different for
 * every row where `isUnique`, else repeated as often as production's statistics say.
 */
export function madeUpValue(
  column: ColumnShape,
  table: TableShape,
  {
    rows,
    isUnique,
    statistics,
  }: { rows: number; isUnique: boolean; statistics: ColumnStatistics | undefined },
): string | undefined {
  const v = numberOf(rows, isUnique ? undefined : statistics);
  const value = allowed(column, table, v) ?? plain(column)?.replaceAll(/\bv\b/g, v);
  if (value === undefined) return undefined;
  const cast = `(${value})::${column.type}`;
  return column.required || isUnique ? cast : withNulls(cast, statistics?.nulls ?? 0);
}

function plain({ name, base, kind, type }: ColumnShape): string | undefined {
  if (kind === "enum")
    return `(enum_range(null::${type}))[1 + v % array_length(enum_range(null::${type}), 1)]`;
  if (kind === "array") return "'{}'";
  const named = TEXTS.includes(base) ? BY_NAME.find(([pattern]) => pattern.test(name))?.[1] : undefined;
  return named ?? VALUES[base] ?? (base.endsWith("range") ? "'empty'" : undefined);
}

/** Repeats where the statistics know fewer values than rows; nearly all different counts as all different. */
function numberOf(rows: number, statistics: ColumnStatistics | undefined): string {
  const { distinct } = statistics ?? { distinct: -1 };
  const values = distinct > 0 ? distinct : Math.round(-distinct * rows);
  return values === 0 || values >= 0.9 * rows ? "i" : `(1 + (i - 1) % ${Math.max(1, Math.floor(values))})`;
}

function withNulls(value: string, nulls: number): string {
  if (nulls <= 0) return value;
  if (nulls > 0.999) return `case when false then ${value} end`;
  if (nulls <= 0.5) return `case when i % ${Math.round(1 / nulls)} = 0 then null else ${value} end`;
  return `case when i % ${Math.round(1 / (1 - nulls))} = 0 then ${value} end`;
}

/** What the common forms of CHECK allow for this column alone: a list of values, or bounds. */
function allowed({ name }: ColumnShape, { checks }: TableShape, v: string): string | undefined {
  const column = String.raw`\(*"?${name.replaceAll(/[^\w]/g, String.raw`\$&`)}"?\)*(?:::[a-z ]+\)?)?`;
  for (const check of checks) {
    const list = new RegExp(String.raw`${column} = ANY \(\(?ARRAY\[(.*?)\]`).exec(check)?.[1];
    const literals = list?.match(/'(?:[^']|'')*'|-?\d+(?=[,\]:)]|$)/g);
    if (literals !== undefined && literals !== null)
      return `(array[${literals.join(", ")}])[1 + ${v} % ${literals.length}]`;
  }
  const bound = (operator: string): number | undefined => {
    const pattern = new RegExp(String.raw`${column} ${operator}=? \(?'?(-?\d+)`);
    const found = checks.map((check) => pattern.exec(check)?.[1]).find((text) => text !== undefined);
    return found === undefined ? undefined : Number(found);
  };
  const [low, high] = [bound(">"), bound("<")];
  if (high === undefined) return undefined;
  const from = (low ?? 0) + 1;
  return `${Math.min(from, high)} + ${v} % ${Math.max(1, high - from)}`;
}
