import pg from "pg";
import { describe, expect, it } from "vitest";
import { readHealth } from "../../../src/postgres/diagnose/health.ts";
import { readPool } from "../../../src/postgres/diagnose/pool.ts";
import { readSessions } from "../../../src/postgres/diagnose/session-facts.ts";
import { openSession } from "../../../src/postgres/session/connect.ts";
import { freshDatabase } from "../../support/database.ts";

describe("readHealth", () => {
  it("counts the sessions that the role may not look into", async () => {
    const database = await freshDatabase();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await using session = await openSession({
        connectionString: database.url,
        purpose: "test",
        statementTimeoutMs: 5_000,
      });
      expect((await readHealth(session, 10)).hiddenSessions).toBe(0);
      await session.query("begin; create role tminus_sees_little; set local role tminus_sees_little");
      expect((await readHealth(session, 10)).hiddenSessions).toBeGreaterThan(0);
      // Hidden, and not left out: it may be who blocks.
      const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
      expect((await readSessions(session)).find(({ pid }) => pid === rows[0]!.pid)).toMatchObject({
        state: "hidden",
      });
      expect((await readPool(session)).groups.map(({ state }) => state)).toContain("hidden");
      await session.rollback();
    } finally {
      await client.end();
      await database.drop();
    }
  });
});
