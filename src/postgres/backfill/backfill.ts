import { sha256 } from "../../lib/hash.ts";
import type { BackfillSettings } from "../../model/backfill.ts";

/** One table of rows: the table itself, or a leaf of a partitioned one. */
export interface Leaf {
  oid: number;
  /** With its schema, quoted. */
  name: string;
  /** How many pages of 8 kB it has. */
  pages: number;
  /** Changes when the table is rewritten, as by VACUUM FULL; positions then mean nothing any more. */
  filenode: number;
}

/** What the settings mean in one database. */
export interface Backfill extends BackfillIdentity {
  settings: BackfillSettings;
  oid: number;
  /** With its schema, quoted. */
  table: string;
  /** For people. */
  title: string;
  /** Quoted name by which expressions may call the table. */
  alias: string;
  columns: BackfillColumn[];
  /** SQL condition: the row is to be filled and is not yet. */
  remaining: string;
  /** The `where` as SQL and as PL/pgSQL over `new`; "true" without one. */
  where: { text: string; overNew: string };
  /** The search path under which the texts were read; quoted names. */
  searchPath: string;
  /** Whether the expressions give the same again for the same row. */
  isRepeatable: boolean;
  leaves: Leaf[];
  /** Of all leaves. */
  rows: number;
  warnings: string[];
}

export interface BackfillColumn {
  /** Quoted. */
  name: string;
  plainName: string;
  /** As format_type gives it. */
  type: string;
  text: string;
  overNew: string;
}

/** Why the settings cannot be carried out here, and what to do instead. */
export interface BackfillProblem {
  reason: string;
  fix: string;
  /** Set when a migration that runs before may still bring what is missing. */
  mayCome?: true;
}

export type ResolvedBackfill = { backfill: Backfill } | { problems: BackfillProblem[] };

export interface BackfillIdentity {
  /** The same for equal tables, columns, expressions and conditions: "public.users.handle 1f2e3d4c". */
  name: string;
  /** Eight hex digits of the definition's hash. */
  digest: string;
}

/** `title` is the table as the catalog calls it, however the settings do: "public.users". */
export function identifyBackfill(
  { set, where }: Pick<BackfillSettings, "set" | "where">,
  title: string,
): BackfillIdentity {
  const digest = sha256(JSON.stringify([title, Object.entries(set), where ?? null])).slice(0, 8);
  return { name: `${title}.${Object.keys(set).join("+")} ${digest}`, digest };
}

/** The update as the batches run it, over the rows of one leaf for which `range` holds. */
export function updateOf(backfill: Backfill, leaf: { name: string }, range: string): string {
  const assignments = backfill.columns.map(({ name, text }) => `${name} = (\n${text}\n)`).join(", ");
  return `update only ${leaf.name} as ${backfill.alias} set ${assignments}
    where ${range} and ${backfill.remaining}`;
}

/** The rows of a range of pages: from the first on, up to but not with the last. */
export function pageRange(first: number, end: number): string {
  return `ctid >= '(${first},0)' and ctid < '(${end},0)'`;
}
