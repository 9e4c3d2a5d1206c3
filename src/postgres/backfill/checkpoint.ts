import { TminusError } from "../../errors.ts";
import type { Fence } from "../../model/ports.ts";
import { ensureLedger } from "../migrations/ledger.ts";
import type { Session } from "../session/connect.ts";
import type { BackfillSettings } from "../../model/backfill.ts";
import { identifyBackfill, type Backfill, type BackfillIdentity, type Leaf } from "./backfill.ts";
import { readTable } from "./catalog.ts";

/** How far a backfill came, as the database itself remembers it. */
export interface Checkpoint {
  name: string;
  /** For people: the table. */
  title: string;
  runKey: string;
  /** Grows with every process that takes the backfill on; older ones then change nothing any more. */
  generation: number;
  state: "filling" | "sweeping" | "done";
  /** What a person asked for. */
  wanted: "run" | "pause";
  /** The trigger that fills the rows written meanwhile. */
  triggerOid: number;
  /** The leaves with their page counts, taken when the trigger was installed (filling) or a sweep began. */
  leaves: Leaf[];
  /** Index of the leaf and the page of it at which the next batch begins. */
  leaf: number;
  page: number;
  /** Rows changed so far. */
  rows: number;
  /** Rows that the sweep at hand found. */
  found: number;
  /** Sweeps that have ended. */
  sweeps: number;
  startedAt: string;
  updatedAt: string;
}

/** Who works on it. */
export interface Taker {
  fence: Fence;
  runKey: string;
}

const COLUMNS = `name, title, run_key as "runKey", generation::float8 as generation, state, wanted,
  trigger_oid::int8::float8 as "triggerOid", leaves, leaf, page::float8 as page, rows::float8 as rows,
  found::float8 as found, sweeps,
  to_char(started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "startedAt",
  to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "updatedAt"`;

/** Creates what is missing. Safe to repeat. */
export async function ensureCheckpoints(session: Session): Promise<void> {
  if (await hasCheckpoints(session)) return;
  await ensureLedger(session);
  await session.query(TABLE);
}

async function hasCheckpoints(session: Session): Promise<boolean> {
  const [row] = await session.query<{ found: boolean }>(
    "select to_regclass('tminus.backfill') is not null and to_regclass('tminus.backfilled') is not null as found",
  );
  return row?.found === true;
}

/**
 * By what the backfill is known here, whether the settings say users or public.users. When the table is gone, by the
 * checkpoint that it left. Reads only.
 */
export async function readIdentity(session: Session, settings: BackfillSettings): Promise<BackfillIdentity> {
  const facts = await readTable(session, settings.table);
  if (facts !== undefined) return identifyBackfill(settings, facts.title);
  const left = (await listCheckpoints(session)).find(
    ({ name, title }) =>
      (title === settings.table || title.endsWith(`.${settings.table}`)) &&
      name === identifyBackfill(settings, title).name,
  );
  return identifyBackfill(settings, left?.title ?? settings.table);
}

/** Undefined when the backfill was never begun here, or taken back. Reads only. */
export async function readCheckpoint(session: Session, name: string): Promise<Checkpoint | undefined> {
  if (!(await hasCheckpoints(session))) return undefined;
  const rows = await session.query<Checkpoint>(`select ${COLUMNS} from tminus.backfill where name = $1`, [
    name,
  ]);
  return rows[0];
}

/** All of them, the newest first. Reads only. */
export async function listCheckpoints(session: Session): Promise<Checkpoint[]> {
  if (!(await hasCheckpoints(session))) return [];
  return session.query<Checkpoint>(`select ${COLUMNS} from tminus.backfill order by started_at desc, name`);
}

/** Begins at the first page, whatever was there. */
export async function beginCheckpoint(
  session: Session,
  { name, title, oid, columns, searchPath, isRepeatable }: Backfill,
  { runKey, fence }: Taker,
  { triggerOid, leaves }: { triggerOid: number; leaves: readonly Leaf[] },
): Promise<void> {
  await session.query(
    `insert into tminus.backfill as b (name, title, run_key, fence_token, trigger_oid, leaves)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (name) do update set title = excluded.title, run_key = excluded.run_key,
       fence_token = excluded.fence_token, trigger_oid = excluded.trigger_oid, leaves = excluded.leaves,
       generation = b.generation + 1, state = 'filling', wanted = 'run', leaf = 0, page = 0, rows = 0, found = 0,
       sweeps = 0, started_at = clock_timestamp(), updated_at = clock_timestamp()`,
    [name, title, runKey, fence.token, triggerOid, JSON.stringify(leaves)],
  );
  if (!isRepeatable) return;
  for (const column of columns)
    await session.query(
      `insert into tminus.backfilled values ($1::oid, $2, $3, $4)
       on conflict (table_oid, column_name, expression) do update set search_path = excluded.search_path`,
      [oid, column.plainName, column.text, searchPath],
    );
}

/** Goes on where another process stopped; that one can change nothing any more. */
export async function takeCheckpoint(
  session: Session,
  name: string,
  { runKey, fence }: Taker,
): Promise<Checkpoint | undefined> {
  const rows = await session.query<Checkpoint>(
    `update tminus.backfill set generation = generation + 1, run_key = $2, fence_token = $3,
       updated_at = clock_timestamp() where name = $1 returning ${COLUMNS}`,
    [name, runKey, fence.token],
  );
  return rows[0];
}

/** An expression by which a backfill has set a column, whether its checkpoint is still there or not. */
export interface Backfilled {
  expression: string;
  searchPath: string;
}

/** Reads only. */
export async function readBackfilled(
  session: Session,
  tableOid: string,
  column: string,
): Promise<Backfilled[]> {
  if (!(await hasCheckpoints(session))) return [];
  return session.query<Backfilled>(
    `select expression, search_path as "searchPath" from tminus.backfilled where table_oid = $1::oid and column_name = $2`,
    [tableOid, column],
  );
}

/** Where the next batch begins, and what the last one did. */
export type Advance = Partial<
  Pick<Checkpoint, "state" | "leaves" | "leaf" | "page" | "rows" | "found" | "sweeps">
>;

/**
 * Moves the checkpoint on, in the transaction of the work that it stands for. Errors: BACKFILL_TAKEN when
 * another process has taken the backfill on, or took it back.
 */
export async function advanceCheckpoint(
  session: Session,
  { name, generation }: Checkpoint,
  advance: Advance,
): Promise<void> {
  const entries = Object.entries(advance);
  const values = entries.map(([key, value]) => (key === "leaves" ? JSON.stringify(value) : value));
  const rows = await session.query(
    `update tminus.backfill set updated_at = clock_timestamp()${entries.map(([key], index) => `, ${key} = $${index + 3}`).join("")}
     where name = $1 and generation = $2 returning 1`,
    [name, generation, ...values],
  );
  if (rows.length === 0) throw taken(name);
}

/** Asks the backfill to pause or to go on; answers whether there is one under way. */
export async function wantCheckpoint(
  session: Session,
  name: string,
  wanted: Checkpoint["wanted"],
): Promise<boolean> {
  const rows = await session.query(
    "update tminus.backfill set wanted = $2 where name = $1 and state <> 'done' returning 1",
    [name, wanted],
  );
  return rows.length > 0;
}

export function taken(name: string): TminusError {
  return new TminusError(
    "BACKFILL_TAKEN",
    `the backfill ${name} was taken on by another process or taken back`,
    {
      details: { name },
    },
  );
}

const TABLE = `
  create table if not exists tminus.backfill (
    name text primary key,
    title text not null,
    run_key text not null,
    fence_token bigint not null,
    generation bigint not null default 1,
    state text not null default 'filling' check (state in ('filling', 'sweeping', 'done')),
    wanted text not null default 'run' check (wanted in ('run', 'pause')),
    trigger_oid oid not null,
    leaves jsonb not null,
    leaf integer not null default 0,
    page bigint not null default 0,
    rows bigint not null default 0,
    found bigint not null default 0,
    sweeps integer not null default 0,
    started_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp()
  );
  create table if not exists tminus.backfill_probe (one boolean primary key check (one));
  insert into tminus.backfill_probe values (true) on conflict do nothing;
  create table if not exists tminus.backfilled (
    table_oid oid not null,
    column_name text not null,
    expression text not null,
    search_path text not null,
    primary key (table_oid, column_name, expression)
  )`;
