import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { run } from "../../../src/lib/process.ts";
import type { Metric } from "../../../src/model/metric.ts";
import type { SeriesAnswer, SignalSource } from "../../../src/model/signal-source.ts";
import { postgresSignals } from "../../../src/postgres/diagnose/signals.ts";
import { signalSourceScenarios } from "../../../src/testing/index.ts";
import { openThrowawayPostgres } from "../../../src/store/throwaway-postgres.ts";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";
import { openFaultyDatabase, PASSWORD } from "../../support/faulty-database.ts";
import { serverPrograms, startServer, startStandby } from "../../support/own-server.ts";
import { signalPorts } from "../../support/signal-ports.ts";

const ROLLBACK_RATE: Metric = { kind: "query", name: "rollback_rate" };
const gauge = (name: string): Metric => ({ kind: "gauge", name });
const { signal } = new AbortController();

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

function sourceOf(url: string, settings: object = {}): SignalSource {
  const ports = signalPorts({ database: "env:DB", secrets: { "env:DB": url } });
  return postgresSignals.open("db", settings, ports);
}

function ask(source: SignalSource, metric: Metric): Promise<SeriesAnswer> {
  return source.query({ metric, release: "v2", fromMs: 0, toMs: 1000, stepMs: 1000 }, signal);
}

/** Of a gauge, right now. */
async function valueOf(source: SignalSource, name: string): Promise<number> {
  const answer = await ask(source, gauge(name));
  if (answer.state !== "values") throw new Error(`${name}: ${JSON.stringify(answer)}`);
  return answer.points[0]!.value;
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on("error", () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

describe("the contract of a source", () => {
  const scenarios = signalSourceScenarios({
    async open() {
      const through = await openFaultyDatabase(database.url);
      const question = { release: "v2", fromMs: 0, toMs: 60_000, stepMs: 10_000 };
      return {
        source: sourceOf(through.url, { timeout: "500ms" }),
        questions: [
          { ...question, metric: gauge("pg_conn") },
          { ...question, metric: gauge("pg_blocked") },
          { ...question, metric: ROLLBACK_RATE },
        ],
        foreign: [
          gauge("cpu"),
          gauge("toString"),
          { kind: "query", name: "pg_conn" },
          { kind: "error_rate" },
        ],
        secrets: [PASSWORD],
        async behave(fault) {
          if (fault === "unauthorized")
            await through.behave({
              sqlState: "28P01",
              message: 'password authentication failed for user "x"',
            });
          else if (fault === "broken")
            await through.behave({ sqlState: "57P03", message: "the database system is starting up" });
          else if (fault === "malformed") await through.behave("garbage");
          else if (fault === "too-large") await through.behave("flood");
          else if (fault === "refused" || fault === "hang") await through.behave(fault);
        },
        close: () => through[Symbol.asyncDispose](),
      };
    },
    cannot: {
      throttled: "a database does not say when to ask again",
      empty: "a database always has statistics of itself",
      "not-a-number": "its columns are numbers",
      stale: "it knows only the present",
    },
  });
  for (const { title, run } of scenarios) it(title, run);
});

describe("what it measures", () => {
  it("counts the connections of the server, of those that ordinary roles may use", async () => {
    const source = sourceOf(database.url);
    const before = await valueOf(source, "pg_conn");
    for (let count = 0; count < 5; count++) await connected(database.url);
    const answer = await ask(source, gauge("pg_conn"));
    // Other tests use the same server.
    expect(answer).toMatchObject({ state: "values", points: [{ max: 97 }] });
    expect(await valueOf(source, "pg_conn")).toBeGreaterThanOrEqual(before + 5 - 3);
  });

  it("counts statements that run for long, sessions that wait for a lock, and the age of transactions", async () => {
    const source = sourceOf(database.url, { slowAfter: "100ms" });
    expect(await valueOf(source, "pg_slow")).toBe(0);
    expect(await valueOf(source, "pg_blocked")).toBe(0);
    expect(await valueOf(source, "pg_oldest_transaction")).toBe(0);
    const [holder, waiter, sleeper] = [
      await connected(database.url),
      await connected(database.url),
      await connected(database.url),
    ];
    await holder.query("create table jammed ()");
    await holder.query("begin; lock table jammed");
    const waiting = waiter.query("select * from jammed").catch(() => undefined);
    const sleeping = sleeper.query("select pg_sleep(60)").catch(() => undefined);
    await expect.poll(() => valueOf(source, "pg_blocked"), { timeout: 20_000 }).toBe(1);
    await expect.poll(() => valueOf(source, "pg_slow"), { timeout: 20_000 }).toBe(2);
    expect(await valueOf(source, "pg_oldest_transaction")).toBeGreaterThan(0.1);
    await holder.query("rollback");
    await waiting;
    await holder.query(
      "select pg_cancel_backend(pid) from pg_stat_activity where datname = current_database() and query like '%pg_sleep(60)'",
    );
    await sleeping;
    expect(await valueOf(source, "pg_blocked")).toBe(0);
  });

  it("counts what was rolled back of all transactions, its own looks not among them, until somebody resets it", async () => {
    const own = await freshDatabase();
    onTestFinished(() => own.drop());
    const source = sourceOf(own.url);
    const sums = async () => {
      const answer = await ask(source, ROLLBACK_RATE);
      if (answer.state !== "counter") throw new Error(JSON.stringify(answer));
      return answer;
    };
    const client = await connected(own.url);
    // The server adds what a session did to its statistics when it is asked to, or a while later.
    const flushed = "select pg_stat_force_next_flush()";
    await client.query(flushed);
    const before = await sums();
    for (let count = 0; count < 20; count++) await sums();
    for (let count = 0; count < 7; count++) await client.query("begin; select 1/1; rollback");
    await client.query(flushed);
    await expect.poll(async () => (await sums()).bad - before.bad, { timeout: 20_000 }).toBe(7);
    expect((await sums()).total - before.total).toBeGreaterThanOrEqual(7);
    await client.query("select pg_stat_reset()");
    expect((await sums()).bad).toBeLessThan(7);
  });

  it("says that there is no replica, and does not pass a check that asks for one", async () => {
    const source = sourceOf(database.url);
    expect(await ask(source, gauge("replica_lag"))).toEqual({
      state: "no-data",
      reason: "no replica that replays is connected",
    });
    expect(await source.check([gauge("pg_conn"), gauge("replica_lag")], "v2", signal)).toEqual({
      verdict: "unknown",
      reason: "replica_lag: no replica that replays is connected",
    });
  });

  it("refuses a metric that is none of its own for good", async () => {
    const source = sourceOf(database.url);
    expect(await ask(source, gauge("cpu"))).toEqual({
      state: "error",
      reason: "db does not measure cpu",
      isLasting: true,
    });
    expect(await source.check([gauge("cpu")], "v2", signal)).toMatchObject({ verdict: "fail" });
  });

  it("wants to know which database", () => {
    expect(() => postgresSignals.open("db", {}, signalPorts())).toThrow(
      expect.objectContaining({
        code: "RUNBOOK_INVALID",
        message: "environment production names no database",
      }),
    );
  });
});

describe("the connection", () => {
  it("is one however many ask, and is asked anew when somebody ends it", async () => {
    const own = await freshDatabase();
    onTestFinished(() => own.drop());
    const source = sourceOf(own.url);
    const names = ["pg_conn", "pg_slow", "pg_blocked", "pg_oldest_transaction"];
    await Promise.all(names.map((name) => valueOf(source, name)));
    const client = await connected(own.url);
    const ours = "application_name = 'tminus watch' and datname = current_database()";
    const { rows } = await client.query(`select pid from pg_stat_activity where ${ours}`);
    expect(rows).toHaveLength(1);
    await client.query(`select pg_terminate_backend(pid, 10000) from pg_stat_activity where ${ours}`);
    expect(await valueOf(source, "pg_conn")).toBeGreaterThan(0);
  });

  it("sees a pool that is used up, which refuses everybody else", async () => {
    const server = await openThrowawayPostgres();
    onTestFinished(() => server.close());
    const source = sourceOf(server.adminUrl);
    expect(await valueOf(source, "pg_conn")).toBe(0);
    const clients: pg.Client[] = [];
    onTestFinished(async () => {
      await Promise.all(clients.map((client) => client.end()));
    });
    const fill = async (): Promise<string> => {
      for (;;) {
        const client = new pg.Client(server.adminUrl);
        client.on("error", () => undefined);
        try {
          await client.connect();
          clients.push(client);
        } catch (error) {
          return (error as Error).message;
        }
      }
    };
    expect(await fill()).toContain("too many clients");
    expect(await valueOf(source, "pg_conn")).toBe(99);
    const late = sourceOf(server.adminUrl);
    const refused = await ask(late, gauge("pg_conn"));
    expect(refused).toMatchObject({ state: "error", isLasting: false });
    expect((refused as { reason: string }).reason).toContain("too many clients");
    expect(await late.check([gauge("pg_conn")], "v2", signal)).toMatchObject({ verdict: "unknown" });
  });

  it("tells a server that is gone from numbers, and finds it again when it is back", async () => {
    const through = await openFaultyDatabase(database.url);
    onTestFinished(() => through[Symbol.asyncDispose]());
    const server = await openThrowawayPostgres();
    onTestFinished(() => server.close());
    const source = sourceOf(server.adminUrl);
    await valueOf(source, "pg_conn");
    await server.close();
    expect(await ask(source, gauge("pg_conn"))).toMatchObject({ state: "error", isLasting: false });
    const other = sourceOf(through.url);
    await valueOf(other, "pg_conn");
    await through.behave({ sqlState: "57P03", message: "the database system is in recovery mode" });
    expect(await ask(other, gauge("pg_conn"))).toMatchObject({ state: "error", isLasting: false });
    await through.behave("well");
    expect(await valueOf(other, "pg_conn")).toBeGreaterThanOrEqual(0);
  });

  it("does not keep a process alive that has nothing else to do", async () => {
    const root = join(import.meta.dirname, "../../..");
    const script = `
      import { postgresSignals } from "./src/postgres/diagnose/signals.ts";
      import { signalPorts } from "./test/support/signal-ports.ts";
      const ports = signalPorts({ database: "env:DB", secrets: { "env:DB": process.env.DB } });
      const source = postgresSignals.open("db", {}, ports);
      const metric = { kind: "gauge", name: "pg_conn" };
      const question = { metric, release: "v2", fromMs: 0, toMs: 1000, stepMs: 1000 };
      console.log((await source.query(question, new AbortController().signal)).state);`;
    const ended = await run([process.execPath, "--input-type=module", "--eval", script], {
      cwd: root,
      env: { ...process.env, DB: database.url } as Record<string, string>,
      timeoutMs: 40_000,
    });
    expect(ended).toMatchObject({ exitCode: 0, output: "values\n" });
  });
});

describe("a role that may not see everything", () => {
  it("gets no number that is too small, and is told which right it wants", async () => {
    const own = await freshDatabase();
    onTestFinished(() => own.drop());
    const admin = await connected(own.url);
    await admin.query("create role tminus_signals_few login");
    onTestFinished(async () => {
      await admin.query("drop owned by tminus_signals_few; drop role tminus_signals_few");
    });
    const url = new URL(own.url);
    url.username = "tminus_signals_few";
    const source = sourceOf(url.href);
    const reason =
      "the role is not shown what 1 sessions do: grant it pg_read_all_stats, and leave track_activities on";
    expect(await ask(source, gauge("pg_blocked"))).toEqual({ state: "error", reason, isLasting: false });
    expect(await source.check([gauge("pg_blocked")], "v2", signal)).toEqual({
      verdict: "fail",
      reason: `pg_blocked: ${reason}`,
    });
    // Sessions that are only counted need no right.
    expect(await valueOf(source, "pg_conn")).toBeGreaterThan(0);
    await admin.query("grant pg_read_all_stats to tminus_signals_few");
    await expect.poll(() => valueOf(source, "pg_blocked").catch(() => -1), { timeout: 20_000 }).toBe(0);
  });

  it("is refused for good where it may not connect, and where there is no such database", async () => {
    const own = await freshDatabase();
    onTestFinished(() => own.drop());
    const admin = await connected(own.url);
    await admin.query("create role tminus_signals_none nologin");
    onTestFinished(async () => {
      await admin.query("drop role tminus_signals_none");
    });
    const url = new URL(own.url);
    url.username = "tminus_signals_none";
    const nowhere = new URL(own.url);
    nowhere.pathname = "/there_is_none";
    for (const bad of [url.href, nowhere.href, "postgres://a b:c"]) {
      const source = sourceOf(bad);
      expect(await ask(source, gauge("pg_conn")), bad).toMatchObject({ state: "error", isLasting: true });
      expect(await source.check([gauge("pg_conn")], "v2", signal)).toMatchObject({ verdict: "fail" });
    }
  });
});

const programs = serverPrograms();

describe.skipIf(programs === undefined)("a server of Debian's", () => {
  it("refuses a wrong password for good", async () => {
    await using server = await startServer(programs!);
    expect(await valueOf(sourceOf(server.url), "pg_conn")).toBe(0);
    const wrong = new URL(server.url);
    wrong.password = "not the password";
    const answer = await ask(sourceOf(wrong.href), gauge("pg_conn"));
    expect(answer).toMatchObject({ state: "error", isLasting: true });
    expect((answer as { reason: string }).reason).toMatch(
      /password authentication failed for user "postgres"$/,
    );
  });

  it("tells how far its replica is behind, which grows while that does not replay", async () => {
    await using server = await startServer(programs!);
    await using standby = await startStandby(programs!, server.url);
    const source = sourceOf(server.url);
    const lag = (): Promise<number> => valueOf(source, "replica_lag").catch(() => -1);
    await expect.poll(lag, { timeout: 30_000 }).toBe(0);
    const [primary, replica] = [await connected(server.url), await connected(standby.url)];
    await replica.query("select pg_wal_replay_pause()");
    await primary.query("create table t as select repeat('x', 100) from generate_series(1, 10000)");
    await expect.poll(lag, { timeout: 30_000 }).toBeGreaterThan(1_000_000);
    expect(await valueOf(sourceOf(standby.url), "replica_lag")).toBeGreaterThan(1_000_000);
    await replica.query("select pg_wal_replay_resume()");
    await expect.poll(lag, { timeout: 30_000 }).toBe(0);
  });
});
