import { tmpdir } from "node:os";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";
import { runCommand, type CommandOptions, type CommandResult } from "../support/run-command.ts";

let database: FreshDatabase;
let clients: pg.Client[];
beforeEach(async () => {
  database = await freshDatabase();
  clients = [];
});
afterEach(async () => {
  for (const client of clients) await client.end().catch(() => undefined); // some were ended by the test
  await database.drop();
});

const NO_RUNS = (): Promise<never> => Promise.reject(new Error("not used here"));
const run = (argv: string[], options: CommandOptions = {}): Promise<CommandResult> =>
  runCommand(NO_RUNS, ["db", ...argv, "--database", "env:DB"], {
    directory: tmpdir(),
    environment: { DB: database.url },
    ...options,
  });
async function json<T>(...argv: string[]): Promise<T> {
  return JSON.parse((await run([...argv, "--json"])).stdout) as T;
}

async function connect(application: string): Promise<{ client: pg.Client; pid: number }> {
  const client = new pg.Client({ connectionString: database.url, application_name: application });
  client.on("error", () => undefined);
  await client.connect();
  clients.push(client);
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return { client, pid: rows[0]!.pid };
}

/** A reader that keeps its transaction open, a migration that waits for it, and a query that waits for that. */
async function jam() {
  const reader = await connect("report");
  await reader.client.query("create table users (id int)");
  await reader.client.query("begin; select * from users");
  const migration = await connect("psql");
  const migrated = migration.client
    .query("alter table users add email text")
    .catch((error: unknown) => error);
  const query = await connect("web");
  await untilWaiting(migration.pid);
  const queried = query.client.query("select count(*) from users").catch((error: unknown) => error);
  await untilWaiting(query.pid);
  return { reader, migration, query, migrated, queried };
}

async function untilWaiting(pid: number): Promise<void> {
  const client = await lookout();
  for (;;) {
    const { rows } = await client.query(
      "select 1 from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'",
      [pid],
    );
    if (rows.length > 0) return;
  }
}

async function lookout(): Promise<pg.Client> {
  const known = clients.find((client) => (client as unknown as { isLookout?: boolean }).isLookout === true);
  if (known !== undefined) return known;
  const { client } = await connect("tminus lookout");
  return Object.assign(client, { isLookout: true });
}

describe("tminus db", () => {
  it("shows a jam from the blocker down, the stalled migration, and what ending the blocker means", async () => {
    const { reader, migration, query, migrated, queried } = await jam();
    const { trees } = await json<{ trees: { pid: number; blocks: number; waiting: { pid: number }[] }[] }>(
      "locks",
    );
    expect(trees).toMatchObject([
      { pid: reader.pid, blocks: 2, waiting: [{ pid: migration.pid, waiting: [{ pid: query.pid }] }] },
    ]);
    const { stalled } = await json<{ stalled: object[] }>("stalled");
    expect(stalled).toMatchObject([
      { session: { pid: migration.pid }, blockers: [{ pid: reader.pid }], queuedBehind: 1 },
    ]);
    const explained = await json<object>("explain", String(query.pid));
    expect(explained).toMatchObject({
      blockers: [{ pid: migration.pid }],
      locks: [{ relation: "users", mode: "AccessShareLock", granted: false }],
      verdict: { harm: false },
      noPlan: "canceling statement due to lock timeout",
    });
    const ended = await run(["cancel", String(reader.pid), "--terminate"], {
      isTty: true,
      answer: String(reader.pid),
    });
    expect(ended.stderr + ended.stdout).toContain(`pid ${reader.pid} is gone`);
    expect(ended.exitCode).toBe(0);
    expect(await migrated).not.toBeInstanceOf(Error);
    expect(await queried).not.toBeInstanceOf(Error);
  });

  it("cancels a statement without ending its session", async () => {
    const sleeper = await connect("report");
    await sleeper.client.query("create table t ()");
    await sleeper.client.query("begin; lock table t");
    const sleeping = sleeper.client.query("select pg_sleep(600)").catch((error: unknown) => error);
    const waiter = await connect("web");
    const waiting = waiter.client.query("select * from t");
    await untilWaiting(waiter.pid);
    const result = await run(["cancel", String(sleeper.pid), "--confirm", String(sleeper.pid)]);
    expect(result.stdout).toContain(`the statement of pid ${sleeper.pid} has ended`);
    expect(await sleeping).toMatchObject({ code: "57014" });
    await sleeper.client.query("rollback");
    await waiting;
  });

  it.each([
    ["a healthy session", "web"],
    ["one of tminus's own", "tminus migrate r1.migrate"],
  ])("refuses to end %s, whatever is confirmed", async (_, application) => {
    const healthy = await connect(application);
    const result = await run([
      "cancel",
      String(healthy.pid),
      "--terminate",
      "--confirm",
      String(healthy.pid),
    ]);
    expect(result.exitCode).toBe(3);
    expect(result.stderr).toContain("SESSION_HEALTHY");
    await healthy.client.query("select 1");
  });

  it("ends nothing when the pid was not typed, or nobody can be asked", async () => {
    const { reader } = await jam();
    const mistyped = await run(["cancel", String(reader.pid), "--terminate"], { isTty: true, answer: "yes" });
    const piped = await run(["cancel", String(reader.pid), "--terminate"]);
    const needsMore = await run(["cancel", String(reader.pid), "--confirm", String(reader.pid)]);
    expect([mistyped.exitCode, piped.exitCode, needsMore.exitCode]).toEqual([2, 2, 2]);
    expect(needsMore.stderr).toContain("Add --terminate");
    await reader.client.query("select 1");
  });

  it("does not run a second statement that hides behind the one it explains", async () => {
    const victim = await connect("web");
    await victim.client.query("create table kept (id int)");
    const text = "select pg_sleep(600); commit; begin read write; drop table kept";
    const sleeping = victim.client.query(text).catch((error: unknown) => error);
    const { client } = await connect("look");
    for (;;) {
      const { rows } = await client.query(
        "select 1 from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'",
        [victim.pid],
      );
      if (rows.length > 0) break;
    }
    const explained = await json<{ noPlan: string }>("explain", String(victim.pid));
    expect(explained.noPlan).toBe("its text holds several statements");
    expect((await client.query("select to_regclass('kept') is not null as there")).rows).toEqual([
      { there: true },
    ]);
    await client.query("select pg_cancel_backend($1)", [victim.pid]);
    await sleeping;
  });

  it("shows the plan of a statement with parameters without running it", async () => {
    const web = await connect("web");
    await web.client.query("create table users (id int primary key)");
    await web.client.query("select * from users where id = $1", [1]);
    const { plan } = await json<{ plan: string[] }>("explain", String(web.pid));
    expect(plan.join("\n")).toContain("users");
  });

  it("lists long statements, idle connections and the pool", async () => {
    const idle = await connect("worker");
    await idle.client.query("select 1");
    const sleeper = await connect("report");
    const sleeping = sleeper.client.query("select pg_sleep(600)").catch((error: unknown) => error);
    const find = async (): Promise<[number[], number[]]> => {
      const long = await json<{ sessions: { pid: number }[] }>("long", "--over", "1ms");
      const resting = await json<{ sessions: { pid: number }[] }>("idle", "--over", "1ms");
      return [long.sessions.map(({ pid }) => pid), resting.sessions.map(({ pid }) => pid)];
    };
    await expect.poll(find, { timeout: 20_000 }).toEqual([[sleeper.pid], [idle.pid]]);
    const pool = await json<{ used: number; limit: number; usedPercent: number }>("pool");
    expect(pool.used).toBeGreaterThanOrEqual(2);
    expect(pool.usedPercent).toBeCloseTo((100 * pool.used) / pool.limit, 0);
    await (await lookout()).query("select pg_cancel_backend($1)", [sleeper.pid]);
    await sleeping;
  });

  it("says when the database has no such session", async () => {
    const result = await run(["explain", "999999"]);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("SESSION_UNKNOWN");
  });
});
