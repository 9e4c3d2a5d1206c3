import type { Workbench } from "./workbench.ts";

/** A relation or index as the catalog had it at one moment. */
export interface ClassRow {
  oid: string;
  /** With its schema unless that is public. */
  name: string;
  kind: string;
  filenode: string;
  /** For an index: the table's oid. */
  table: string;
  isValid: boolean;
}

export interface ConstraintRow {
  oid: string;
  name: string;
  table: string;
  isValidated: boolean;
}

export interface TableCounts {
  scans: number;
  tuples: number;
  inserted: number;
  updated: number;
  deleted: number;
}

export interface LockRow {
  oid: string;
  mode: string;
}

/** What one query after a statement answers. */
export interface Reading {
  /** No transaction with this number or a later one has begun yet. */
  nextXid: string;
  walPosition: number;
  locks: LockRow[];
  /** Locked relations that the catalog no longer has. */
  gone: string[];
  classes: ClassRow[];
  constraints: ConstraintRow[];
  counts: Map<string, TableCounts>;
}

/**
 * Locks of this session, what transactions since `sinceXid` changed in the catalog ("0": everything that is
 * there), and how many rows of each table were read and written so far. Schemas of the system and our own are left out.
 */
export async function takeReading(bench: Workbench, sinceXid: string): Promise<Reading> {
  const [row] = await bench.query<{ reading: string }>(READING, [sinceXid]);
  const raw = JSON.parse(row!.reading) as RawReading;
  return {
    nextXid: raw.xid,
    walPosition: Number(raw.wal),
    locks: raw.locks.map(([oid, mode]) => ({ oid, mode: modeName(mode) })),
    gone: raw.locks.filter(([, , isGone]) => isGone).map(([oid]) => oid),
    classes: raw.classes.map(([oid, schema, name, kind, filenode, table, isValid]) => ({
      oid,
      name: relationName(schema, name),
      kind,
      filenode,
      table,
      isValid,
    })),
    constraints: raw.constraints.map(([oid, name, table, isValidated]) => ({
      oid,
      name,
      table,
      isValidated,
    })),
    counts: new Map(
      raw.counts.map(([oid, scans, tuples, inserted, updated, deleted]) => [
        oid,
        { scans, tuples, inserted, updated, deleted },
      ]),
    ),
  };
}

export function relationName(schema: string, name: string): string {
  return schema === "public" ? name : `${schema}.${name}`;
}

/** "ShareUpdateExclusiveLock" → "share update exclusive". */
export function modeName(mode: string): string {
  return mode
    .replace(/Lock$/, "")
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ")
    .toLowerCase();
}

interface RawReading {
  xid: string;
  wal: string;
  locks: [string, string, boolean][];
  classes: [string, string, string, string, string, string, boolean][];
  constraints: [string, string, string, boolean][];
  counts: [string, number, number, number, number, number][];
}

/** Schemas of which nothing is reported. */
export const FOREIGN_SCHEMAS = "^(pg_|information_schema$|tminus)";
/** Object ids below are the system's own. */
const FIRST_OWN_OID = 16384;

/**
 * One text, so that every driver answers the same. The counts are those that the server has published and those that
 * this session has not handed over yet, which it does after a statement whenever a second has gone by. xmin is compared
 * as a number: a scratch server never wraps around.
 */
const READING = `
  select json_build_object(
    'xid', pg_snapshot_xmax(pg_current_snapshot())::text,
    'wal', pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text,
    'locks', (select coalesce(json_agg(json_build_array(l.relation::text, l.mode, c.oid is null)), '[]')
      from pg_locks l left join pg_class c on c.oid = l.relation
      where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.granted
        and l.mode <> 'AccessShareLock' and l.relation >= ${FIRST_OWN_OID}),
    'classes', (select coalesce(json_agg(json_build_array(c.oid::text, n.nspname, c.relname, c.relkind,
        c.relfilenode::text, coalesce(i.indrelid, 0)::text, coalesce(i.indisvalid, true))), '[]')
      from pg_class c join pg_namespace n on n.oid = c.relnamespace left join pg_index i on i.indexrelid = c.oid
      where c.relkind in ('r', 'p', 'm', 'v', 'f', 'i', 'I') and n.nspname !~ '${FOREIGN_SCHEMAS}'
        and (c.xmin::text::bigint >= $1::bigint or i.xmin::text::bigint >= $1::bigint)),
    'constraints', (select coalesce(json_agg(json_build_array(k.oid::text, k.conname, k.conrelid::text, k.convalidated)), '[]')
      from pg_constraint k join pg_namespace n on n.oid = k.connamespace
      where k.contype in ('c', 'f', 'n') and k.conrelid <> 0 and n.nspname !~ '${FOREIGN_SCHEMAS}'
        and k.xmin::text::bigint >= $1::bigint),
    'counts', (select coalesce(json_agg(json_build_array(c.relid::text, c.seq_scan + own.seq_scan, c.seq_tup_read + own.seq_tup_read,
        c.n_tup_ins + own.n_tup_ins, c.n_tup_upd + own.n_tup_upd, c.n_tup_del + own.n_tup_del)), '[]')
      from pg_stat_user_tables c join pg_stat_xact_user_tables own using (relid)
      where c.seq_scan + own.seq_scan + c.n_tup_ins + own.n_tup_ins + c.n_tup_upd + own.n_tup_upd + c.n_tup_del + own.n_tup_del > 0)
  )::text as reading`;
