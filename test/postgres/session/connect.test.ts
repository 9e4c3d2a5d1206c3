import { describe, expect, it } from "vitest";
import { readTransactions } from "../../../src/postgres/diagnose/health.ts";
import { openRecorder } from "../../../src/postgres/drift/check-drift.ts";
import {
  checkConnection,
  openSession,
  readOnly,
  type Session,
} from "../../../src/postgres/session/connect.ts";
import { openMigrationWorld } from "../migrations/world.ts";

describe("readOnly", () => {
  it("is kept from writing by the server", async () => {
    await using world = await openMigrationWorld();
    const options = { connectionString: world.url, purpose: "look", statementTimeoutMs: 5_000 };
    await expect(readOnly(options, (session) => session.query("create table t ()"))).rejects.toMatchObject({
      code: "DATABASE_UNREACHABLE",
      message: expect.stringContaining("read-only transaction") as string,
    });
    expect(await world.has("t")).toBe(false);
  });

  it("is not counted by the server as a transaction that was rolled back", async () => {
    await using world = await openMigrationWorld();
    const options = { connectionString: world.url, purpose: "look", statementTimeoutMs: 5_000 };
    const rolledBack = async (): Promise<number> => (await readOnly(options, readTransactions)).rolledBack;
    const before = await rolledBack();
    for (let count = 0; count < 5; count++) await rolledBack();
    expect(await rolledBack()).toBe(before);
  });

  it("leaves no setting behind in a connection that a pooler may hand to an application", async () => {
    await using world = await openMigrationWorld();
    const options = { connectionString: world.url, purpose: "look", statementTimeoutMs: 5_000 };
    const settings = `select current_setting('default_transaction_read_only') as "readOnly",
      current_setting('transaction_read_only') as "now", current_setting('statement_timeout') as timeout`;
    const [inside, after] = await readOnly(options, async (session) => {
      const before = await session.query(settings);
      await session.rollback();
      return [before, await session.query(settings)];
    });
    expect(inside).toEqual([{ readOnly: "off", now: "on", timeout: "5s" }]);
    expect(after).toEqual([{ readOnly: "off", now: "off", timeout: "0" }]);
  });
});

describe("script", () => {
  it("names the statement that stopped, whatever text the database's position belongs to", async () => {
    await using world = await openMigrationWorld();
    const options = { connectionString: world.url, purpose: "look", statementTimeoutMs: 5_000 };
    await using session = await openSession(options);
    await session.query("create temp table t (a int)");
    await session.script(["prepare p as select a from t"]);
    expect(await session.script(["select 1", "select 'ü', b from t"])).toMatchObject({
      failed: 1,
      position: 13,
    });
    const outcome = await session.script(["alter table t rename to another_name", "execute p"]);
    expect(outcome).toMatchObject({ failed: 1, position: undefined, error: { code: "42P01" } });
  });
});

describe("a session whose connection is lost", () => {
  it("says so whatever it was doing, so that it is looked at again what took effect", async () => {
    await using world = await openMigrationWorld();
    const options = { connectionString: world.url, purpose: "look", statementTimeoutMs: 5_000 };
    for (const work of [
      (session: Session) => session.query("select 1"),
      (session: Session) => session.reset(),
    ]) {
      await using session = await openSession(options);
      await world.query("select pg_terminate_backend($1, 5000)", [session.pid]);
      await expect(work(session)).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE" });
    }
  });
});

describe("sessions that set something", () => {
  it("are not opened through a pooler, whose other clients would get the settings", async () => {
    const connectionString = "postgresql://postgres@aws-0-eu.pooler.supabase.com:6543/postgres";
    const { signal } = new AbortController();
    await expect(openRecorder({ connectionString, signal })).rejects.toMatchObject({
      code: "DATABASE_POOLED",
    });
  });
});

describe("checkConnection", () => {
  it("passes for a database that answers, and does not know about one that does not", async () => {
    await using world = await openMigrationWorld();
    const { signal } = new AbortController();
    expect(await checkConnection(world.url, signal)).toMatchObject({ verdict: "pass" });
    expect(await checkConnection("postgresql://127.0.0.1:1/x", signal)).toMatchObject({ verdict: "unknown" });
    expect(await checkConnection("not a url", signal)).toMatchObject({ verdict: "unknown" });
  });
});
