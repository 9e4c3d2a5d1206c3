import pg from "pg";
import {
  LOCK_MODES,
  type Effect,
  type Example,
  type ExampleFile,
  type LockMode,
} from "../../../src/postgres/lint/define-rule.ts";
import { EXAMPLE_SCHEMA } from "../../../src/postgres/lint/example-schema.ts";
import { lint, type LintReport } from "../../../src/postgres/lint/lint.ts";
import { readLintFile, type LintFile } from "../../../src/postgres/lint/lint-file.ts";
import { lintRules } from "../../../src/postgres/lint/registry.ts";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";

/** Rows of each table of the examples. */
const ALL_ROWS = 500;

/** What running an example did, as far as an effect can be told from it. */
export interface Seen {
  /** SQLSTATE and text of what PostgreSQL refused. */
  error?: { code: string; message: string };
  /** Strongest lock held on each table, its indexes included, at the end of a transaction. */
  locks: Map<string, LockMode>;
  /** Tables that were read whole under a lock that stops writers. */
  scanned: Set<string>;
  rewritten: Set<string>;
}

/** A database with the tables of the examples, to be copied; nobody stays connected to it. */
export async function exampleTemplate(): Promise<FreshDatabase & { name: string }> {
  const database = await freshDatabase();
  await withClient(database.url, (client) => client.query(EXAMPLE_SCHEMA));
  await withClient(database.url, (client) => client.query("vacuum analyze"));
  return { ...database, name: new URL(database.url).pathname.slice(1) };
}

/** The example as migration files behind those that made its tables. */
export async function lintExample(example: Example, rules = lintRules): Promise<LintReport> {
  const earlier = [EXAMPLE_SCHEMA, ...(example.before === undefined ? [] : [example.before])];
  const files = earlier.map((sql, index) => readLintFile(`earlier-${index}.sql`, sql));
  const asked = partsOf(example).map((part, index): LintFile => {
    const sql = typeof part === "string" ? part : part.outside;
    return readLintFile(`example-${index}.sql`, sql, { transactional: typeof part === "string" });
  });
  return lint([...files, ...asked], { rules, isAsked: (file) => asked.includes(file), isOneBatch: true });
}

/**
 * Runs an example and calls `look` when it is done, in a transaction that is rolled back. One that is a single
 * transaction runs in the template itself, which is much quicker; others on a copy.
 */
export async function runExample<T>(
  template: { url: string; name: string },
  example: Example,
  look: (client: pg.Client, seen: Seen) => Promise<T>,
): Promise<T> {
  const [part, ...more] = partsOf(example);
  const isOne = typeof part === "string" && more.length === 0 && example.before === undefined;
  if (isOne && !/^\s*(begin|commit|rollback)\b/im.test(part)) {
    return withClient(template.url, async (client) => {
      await client.query("begin");
      const filesBefore = await fileNodes(client);
      const seen = nothingSeen();
      await runInside(client, part, seen);
      await seeRewrites(client, filesBefore, seen);
      return look(client, seen);
    });
  }
  const database = await freshDatabase(template.name);
  try {
    return await withClient(database.url, async (client) => {
      if (example.before !== undefined) await client.query(example.before);
      const filesBefore = await fileNodes(client);
      const seen = nothingSeen();
      for (const each of partsOf(example)) {
        if (seen.error === undefined) await runPart(client, each, seen);
      }
      await client.query("begin");
      await seeRewrites(client, filesBefore, seen);
      return await look(client, seen);
    });
  } finally {
    await database.drop();
  }
}

/** Whether the effect is there. */
export async function shows(effect: Effect, client: pg.Client, seen: Seen): Promise<boolean> {
  if ("error" in effect) return seen.error?.code === effect.error;
  if ("lock" in effect) {
    return (
      LOCK_MODES.indexOf(seen.locks.get(effect.on) ?? "AccessShareLock") >= LOCK_MODES.indexOf(effect.lock)
    );
  }
  if ("rewrites" in effect) return seen.rewritten.has(effect.rewrites);
  if ("scans" in effect) return seen.scanned.has(effect.scans);
  if ("breaks" in effect) return !(await works(client, effect.breaks));
  if ("shows" in effect) {
    const { rows } = await client.query<unknown[]>({ text: effect.shows, rowMode: "array" });
    return rows[0]?.[0] === true;
  }
  return true;
}

/** Whether a statement of the application can be run; what it does is taken back. Expects an open transaction. */
export async function works(client: pg.Client, sql: string): Promise<boolean> {
  await client.query("savepoint application");
  try {
    await client.query(sql);
    return true;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    return false;
  } finally {
    await client.query("rollback to application");
  }
}

export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The migration files of an example. */
export function partsOf({ sql }: Example): readonly ExampleFile[] {
  return typeof sql === "string" || "outside" in sql ? [sql] : sql;
}

/** Runs one migration file as it would be run, and adds to what was seen. */
export async function runPart(client: pg.Client, part: ExampleFile, seen: Seen): Promise<void> {
  if (typeof part === "string") {
    await client.query("begin");
    await runInside(client, part, seen);
    await client.query(seen.error === undefined ? "commit" : "rollback");
    return;
  }
  try {
    await client.query(part.outside);
  } catch (error) {
    refused(error, seen);
  }
}

/** Runs SQL in the open transaction and sees what it holds; after an error the transaction goes on without it. */
async function runInside(client: pg.Client, sql: string, seen: Seen): Promise<void> {
  const readBefore = await rowsRead(client);
  await client.query("savepoint example");
  try {
    await client.query(sql);
    // A text of one's own BEGIN and COMMIT has ended the transaction: then nothing is held.
    await look(client, readBefore, seen);
  } catch (error) {
    refused(error, seen);
    await client.query("rollback to example");
  }
}

function refused(error: unknown, seen: Seen): void {
  if (!(error instanceof pg.DatabaseError)) throw error;
  seen.error = { code: error.code ?? "", message: error.message };
}

/** Before anything has run. */
export function nothingSeen(): Seen {
  return { locks: new Map(), scanned: new Set(), rewritten: new Set() };
}

/** Which tables have another file than before. */
export async function seeRewrites(
  client: pg.Client,
  before: ReadonlyMap<string, string>,
  seen: Seen,
): Promise<void> {
  for (const [table, node] of await fileNodes(client)) {
    if (before.has(table) && before.get(table) !== node) seen.rewritten.add(table);
  }
}

/** What the open transaction holds, and what was read since. */
async function look(client: pg.Client, readBefore: ReadonlyMap<string, number>, seen: Seen): Promise<void> {
  const locks = await client.query<{ table: string; mode: LockMode }>(`
    select coalesce(t.relname, c.relname) as table, l.mode
    from pg_locks l
    join pg_class c on c.oid = l.relation
    left join pg_index i on i.indexrelid = c.oid
    left join pg_class t on t.oid = i.indrelid
    where l.pid = pg_backend_pid() and l.granted
      and c.relnamespace::regnamespace::text not in ('pg_catalog', 'pg_toast', 'information_schema')`);
  for (const { table, mode } of locks.rows) {
    const known = seen.locks.get(table);
    if (known === undefined || LOCK_MODES.indexOf(mode) > LOCK_MODES.indexOf(known))
      seen.locks.set(table, mode);
  }
  for (const [table, rows] of await rowsRead(client)) {
    if (rows - (readBefore.get(table) ?? 0) < ALL_ROWS) continue;
    const held = locks.rows.filter((row) => row.table === table).map(({ mode }) => LOCK_MODES.indexOf(mode));
    if (Math.max(-1, ...held) >= LOCK_MODES.indexOf("ShareLock")) seen.scanned.add(table);
  }
}

/** Rows read by sequential scans, counted since the backend last told its statistics: only differences mean something. */
async function rowsRead(client: pg.Client): Promise<Map<string, number>> {
  const { rows } = await client.query<{ table: string; read: string }>(
    "select relname as table, seq_tup_read as read from pg_stat_xact_user_tables",
  );
  return new Map(rows.map(({ table, read }) => [table, Number(read)]));
}

/** The file of each table. */
export async function fileNodes(client: pg.Client): Promise<Map<string, string>> {
  const { rows } = await client.query<{ name: string; node: string }>(
    `select relname as name, pg_relation_filenode(oid)::text as node from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'm')`,
  );
  return new Map(rows.map(({ name, node }) => [name, node]));
}
