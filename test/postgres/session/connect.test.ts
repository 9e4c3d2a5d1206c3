import { describe, expect, it } from "vitest";
import { checkConnection, readOnly } from "../../../src/postgres/session/connect.ts";
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
