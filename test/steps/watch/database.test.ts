import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { StepResult } from "../../../src/model/step-kind.ts";
import { postgresSignals } from "../../../src/postgres/diagnose/signals.ts";
import { watch } from "../../../src/steps/watch.ts";
import { createFakeClock } from "../../../src/testing/fake-clock.ts";
import { createFakeStepWorld } from "../../../src/testing/fake-step-context.ts";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";
import { signalPorts } from "../../support/signal-ports.ts";

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

/** What db.watch looks at, as rules. */
const RULES = [
  "connections: when gauge(pg_conn) > 95% of max for 30s strictly -> rollback",
  "slow: when gauge(pg_slow) > 5 for 30s strictly -> rollback",
  "blocked: when gauge(pg_blocked) > 0 for 30s strictly -> rollback",
  "rollbacks: when rollback_rate > 10% for 30s min 100 events strictly -> rollback",
];

function watched(rules: readonly string[], during?: () => Promise<void>): Promise<StepResult> {
  const clock = createFakeClock({ autoAdvance: true });
  const ports = signalPorts({ clock, database: "env:DB", secrets: { "env:DB": database.url } });
  const db = postgresSignals.open("db", {}, ports);
  const startMs = clock.now().getTime();
  const paced = {
    ...clock,
    async sleep(ms: number, signal?: AbortSignal) {
      await clock.sleep(ms, signal);
      await during?.();
      if (clock.now().getTime() - startMs > 10 * 60_000) throw new Error("the watch still goes on");
    },
  };
  const world = createFakeStepWorld({ clock: paced, sources: { db } });
  return watch.act(world.open(watch.schema.parse({ duration: "2m", every: "5s", rules }), null).context);
}

it("passes a database that does well", async () => {
  const result = await watched(RULES.slice(0, 3));
  expect(result).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
});

it("rolls back when sessions wait for a lock for longer than they may", async () => {
  const [holder, waiter] = [new pg.Client(database.url), new pg.Client(database.url)];
  await Promise.all([holder.connect(), waiter.connect()]);
  try {
    await holder.query("create table if not exists jammed ()");
    await holder.query("begin; lock table jammed");
    const waiting = waiter.query("select * from jammed");
    const result = await watched(RULES);
    expect(result).toMatchObject({
      outcome: "failed",
      result: { failedRule: { name: "blocked", source: "db" } },
    });
    await holder.query("rollback");
    await waiting;
  } finally {
    await Promise.all([holder.end(), waiter.end()]);
  }
});

it("rolls back when too many transactions are rolled back", async () => {
  const client = new pg.Client(database.url);
  await client.connect();
  try {
    await client.query("create table orders ()");
    const result = await watched(RULES.slice(3), async () => {
      // The server adds up what touches a table, and at once when it is asked to.
      for (let count = 0; count < 60; count++) await client.query("begin; select from orders; rollback");
      await client.query("select pg_stat_force_next_flush() from pg_class limit 1");
    });
    expect(result).toMatchObject({
      outcome: "failed",
      result: { failedRule: { name: "rollbacks", source: "db" } },
    });
  } finally {
    await client.end();
  }
});
