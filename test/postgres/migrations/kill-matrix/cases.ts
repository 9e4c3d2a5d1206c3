import pg from "pg";
import { systemClock } from "../../../../src/lib/clock.ts";
import { applyMigrations } from "../../../../src/postgres/migrations/apply.ts";
import { discoverMigrations } from "../../../../src/postgres/migrations/discover.ts";
import type { MigrateOptions } from "../../../../src/postgres/migrations/migrate-options.ts";
import { revertMigrations } from "../../../../src/postgres/migrations/revert.ts";
import { versionOf } from "./history.ts";

/** One thing that is done to a database: a file applied on top of those before it, or taken back again. */
export interface Operation {
  direction: "up" | "down";
  /** Number of the file, from 0. */
  file: number;
}

/** Where it is stopped: before a statement is sent, or when it has just been sent. */
export interface Boundary {
  at: number;
  mode: "before" | "during";
}

export interface KillCase extends Operation, Boundary {
  url: string;
}

/** Errors are those of apply and revert; a lost connection is not made again. */
export async function perform({ direction, file }: Operation, url: string, directory: string): Promise<void> {
  const options: MigrateOptions = {
    connectionString: url,
    fence: { environment: "production", token: 1 },
    runKey: `run of ${versionOf(file)}`,
    appliedBy: "ann",
    lockTimeoutMs: 2_000,
    lockRetries: 20,
    statementTimeoutMs: 30_000,
    clock: systemClock,
    signal: new AbortController().signal,
    progress: () => undefined,
    reconnects: 0,
  };
  if (direction === "up") {
    await applyMigrations((await discoverMigrations(directory)).slice(0, file + 1), options);
    return;
  }
  const outcome = await revertMigrations(options);
  if (outcome.state === "refused") throw new Error(outcome.reason);
}

const READ = /^\s*(select|set|reset|with|prepare)\b/i;

/**
 * The boundaries at which something different can be left behind: before the first write, after each write, and
 * while what takes effect by itself is on its way.
 */
export function boundariesOf(texts: readonly string[]): Boundary[] {
  const boundaries: Boundary[] = [];
  const first = texts.findIndex((text) => !READ.test(text));
  let isOpen = false;
  for (const [at, text] of texts.entries()) {
    if (at < first) continue;
    if (at === first || !READ.test(texts[at - 1]!)) boundaries.push({ at, mode: "before" });
    const begins = /^begin\b/.test(text);
    const commits = /(^|;\n)commit(;\n|$)/.test(text);
    if (!READ.test(text) && (commits || !(begins || isOpen))) boundaries.push({ at, mode: "during" });
    if (begins) isOpen = true;
    if (commits || /^rollback\b/.test(text)) isOpen = false;
  }
  return boundaries;
}

/** Everything that a migration can leave behind, as text: the catalog, the rows, the ledger, the journal. */
export async function readState(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind = 'r' and n.nspname in ('public', 'app') order by 1`,
    );
    const rows = tables.rows.map(
      ({ name }) =>
        `select '${name}' as name, coalesce(jsonb_agg(to_jsonb(t) order by to_jsonb(t)::text), '[]') as rows from ${name} t`,
    );
    const journal = await client.query<{ found: boolean }>(
      "select to_regclass('tminus.migration_statement') is not null as found",
    );
    const catalog = await client.query(
      `${CATALOG} ${journal.rows[0]?.found === true ? JOURNAL : ""} order by 1, 2`,
    );
    const content = rows.length === 0 ? { rows: [] } : await client.query(rows.join(" union all "));
    return JSON.stringify([catalog.rows, content.rows], null, 1);
  } finally {
    await client.end();
  }
}

const CATALOG = `
  with ours as (select c.oid, n.nspname || '.' || c.relname as name, c.relkind from pg_class c
    join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('public', 'app'))
  select 'relation' as what, name || ' ' || relkind::text as text from ours
  union all select 'column', name || '.' || attname || ' ' || format_type(atttypid, atttypmod) || attnotnull::text from pg_attribute join ours on attrelid = ours.oid where attnum > 0 and not attisdropped and relkind in ('r', 'p', 'v')
  union all select 'constraint', name || ' ' || conname || ' ' || pg_get_constraintdef(k.oid) || convalidated::text from pg_constraint k join ours on conrelid = ours.oid
  union all select 'index', pg_get_indexdef(indexrelid) || indisvalid::text || indisready::text from pg_index join ours on indexrelid = ours.oid
  union all select 'enum', enumtypid::regtype::text || ' ' || enumlabel from pg_enum
  union all select 'function', p.oid::regprocedure::text || prosrc from pg_proc p join pg_namespace n on n.oid = pronamespace where nspname in ('public', 'app')
  union all select 'partition', inhrelid::regclass::text || ' of ' || inhparent::regclass::text || inhdetachpending::text from pg_inherits
  union all select 'ledger', version || ' ' || name || ' ' || checksum || ' ' || run_key || ' ' || transactional::text || ' ' || coalesce(down_sql, '') from tminus.migration
  union all select 'fence', environment || ' ' || token from tminus.fence
`;

const JOURNAL =
  "union all select 'journal', version || ' ' || position || ' ' || state from tminus.migration_statement";
