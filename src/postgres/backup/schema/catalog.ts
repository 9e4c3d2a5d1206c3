import type { Session } from "../../session/connect.ts";

/** How the catalog names an object: its catalog's oid and its own. */
export type Address = string;

/**
 * When a statement of the schema runs: before the rows are there, as an index (several at once, by group), after
 * the rows, and at the very end.
 */
export const PHASES = ["before", "index", "after", "last"] as const;
export type Phase = (typeof PHASES)[number];

/** One object of the schema and the statements that make it. */
export interface SchemaObject {
  address: Address;
  /** What it is called by the database: "table public.users". */
  key: string;
  phase: Phase;
  sql: string[];
  /** Indexes of one table are built by one session. */
  group?: string;
  /** Further names under which other objects may depend on it. */
  aliases?: Address[];
}

/** Reads one kind of object. All of them are called in one transaction with an empty search_path. */
export type ReadObjects = (session: Session) => Promise<SchemaObject[]>;

/** Condition on a namespace `n`: not the server's own. */
export const USER_NAMESPACE = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'";

/** Condition: the object does not belong to an extension, which brings it along. */
export function notOfExtension(catalog: string, oid: string): string {
  return `not exists (select 1 from pg_depend e where e.classid = '${catalog}'::regclass and e.objid = ${oid} and e.deptype = 'e')`;
}

/** Condition on a routine `p`: not the constructor that a range type brings along. */
export const MADE_BY_ITSELF = `not exists (select 1 from pg_depend i where i.classid = 'pg_proc'::regclass and i.objid = p.oid and i.deptype = 'i')`;

/** Columns `address` and `key` of an object. */
export function named(catalog: string, oid: string): string {
  return `'${catalog}'::regclass::oid || ':' || ${oid} as address,
    (select o.type || ' ' || o.identity from pg_identify_object('${catalog}'::regclass, ${oid}, 0) o) as key`;
}

/** The address of an object as an SQL expression. */
export function addressSql(catalog: string, oid: string): string {
  return `'${catalog}'::regclass::oid || ':' || ${oid}`;
}

export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\\") ? `E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

/** `WITH (a='b')` from an array of a=b, or nothing. */
export function withOptions(options: readonly string[] | null): string {
  if (options === null || options.length === 0) return "";
  const assign = options.map((option) => {
    const at = option.indexOf("=");
    return at < 0 ? option : `${option.slice(0, at)}=${literal(option.slice(at + 1))}`;
  });
  return ` WITH (${assign.join(", ")})`;
}

/** The rows by key, in the order in which the keys first come. */
export function grouped<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group === undefined) groups.set(keyOf(row), [row]);
    else group.push(row);
  }
  return groups;
}
