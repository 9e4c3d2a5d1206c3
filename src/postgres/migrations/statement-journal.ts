import type { Session } from "../session/connect.ts";
import { literal } from "../session/literal.ts";
import type { Statement } from "../sql/statements.ts";
import type { MigrateOptions } from "./migrate-options.ts";

export type Direction = "up" | "down";

/** One statement of a file that is under way and is not one transaction. The rows go when the file is done. */
export interface JournalRow {
  version: string;
  direction: Direction;
  /** Place in its section, from 0. */
  position: number;
  /** As it was run. */
  sql: string;
  /** begun: it is not known whether it took effect. */
  state: "begun" | "done";
  /** What the catalog showed before it was run first. */
  evidence: unknown;
  runKey: string;
}

export interface JournalKey {
  version: string;
  direction: Direction;
}

const TABLE = "tminus.migration_statement";

/** Makes the table when it is missing. Safe to repeat; call it under the session lock. */
export async function ensureJournal(session: Session): Promise<void> {
  if (await hasJournal(session)) return;
  await session.query(`create table if not exists ${TABLE} (
    version text not null,
    direction text not null check (direction in ('up', 'down')),
    position integer not null,
    sql text not null,
    state text not null check (state in ('begun', 'done')),
    evidence jsonb,
    begun_at timestamptz not null default clock_timestamp(),
    done_at timestamptz,
    run_key text not null,
    fence_token bigint not null,
    primary key (version, direction, position)
  )`);
}

/** Every statement of every file under way, in order; empty without the table. Reads only. */
export async function readJournal(session: Session): Promise<JournalRow[]> {
  if (!(await hasJournal(session))) return [];
  return session.query<JournalRow>(
    `select version, direction, position, sql, state, evidence, run_key as "runKey"
     from ${TABLE} order by version, direction, position`,
  );
}

/** Writes the intent to run a statement outside a transaction; belongs into a transaction of its own before it. */
export async function journalBegun(
  session: Session,
  { version, direction }: JournalKey,
  { position, statement, evidence }: { position: number; statement: Statement; evidence: unknown },
  { runKey, fence }: MigrateOptions,
): Promise<void> {
  await session.query(
    `insert into ${TABLE} (version, direction, position, sql, state, evidence, run_key, fence_token)
     values ($1, $2, $3, $4, 'begun', $5, $6, $7)
     on conflict (version, direction, position) do update
     set run_key = excluded.run_key, fence_token = excluded.fence_token`,
    [version, direction, position, statement.text, JSON.stringify(evidence ?? null), runKey, fence.token],
  );
}

/** SQL that notes statements as done, for the transaction of their effect. `first` is the place of the first one. */
export function journalDoneSql(
  { version, direction }: JournalKey,
  first: number,
  statements: readonly Statement[],
  { runKey, fence }: MigrateOptions,
): string {
  const rows = statements.map(
    ({ text }, index) =>
      `(${[version, direction, first + index, text, "done", runKey, fence.token].map(literal).join(", ")}, clock_timestamp())`,
  );
  return `insert into ${TABLE} (version, direction, position, sql, state, run_key, fence_token, done_at)
    values ${rows.join(", ")}
    on conflict (version, direction, position) do update set state = 'done', done_at = excluded.done_at`;
}

/** SQL that forgets one statement that did not take effect, or a whole file. */
export function journalForgetSql({ version, direction }: JournalKey, position?: number): string {
  const only = position === undefined ? "" : ` and position = ${position}`;
  return `delete from ${TABLE} where version = ${literal(version)} and direction = ${literal(direction)}${only}`;
}

async function hasJournal(session: Session): Promise<boolean> {
  const [row] = await session.query<{ found: boolean }>(
    `select to_regclass('${TABLE}') is not null as found`,
  );
  return row?.found === true;
}
