import pg from "pg";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { endSession } from "../../../src/postgres/diagnose/end-session.ts";
import { readSessions } from "../../../src/postgres/diagnose/session-facts.ts";
import { openSession } from "../../../src/postgres/session/connect.ts";
import { freshDatabase } from "../../support/database.ts";

const options = { clock: systemClock, patienceMs: 1_000, signal: new AbortController().signal };

describe("endSession", () => {
  it.each([
    ["a session that took over the pid", { backendStart: "2020-01-01 00:00:00+00" }],
    ["a later statement of the session", { queryStart: "2020-01-01 00:00:00+00" }],
  ])("does not touch %s", async (_, other) => {
    const database = await freshDatabase();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
      await using session = await openSession({
        connectionString: database.url,
        purpose: "test",
        statementTimeoutMs: 5_000,
      });
      const found = (await readSessions(session)).find(({ pid }) => pid === rows[0]!.pid)!;
      for (const how of ["cancel", "terminate"] as const)
        expect(await endSession(session, { ...found, ...other }, how, options)).toBe("not-found");
      expect((await client.query("select 1 as alive")).rows).toEqual([{ alive: 1 }]);
    } finally {
      await client.end();
      await database.drop();
    }
  });
});
