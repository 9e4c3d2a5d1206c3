import pg from "pg";
import { describe, expect, it } from "vitest";
import { openScratch } from "../../src/compose/scratch.ts";

async function ask(connectionString: string, text: string): Promise<unknown> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return Object.values((await client.query<pg.QueryResultRow>(text)).rows[0]!)[0];
  } finally {
    await client.end();
  }
}

describe("scratch databases", { timeout: 60_000 }, () => {
  it("log everything where it is counted, and little where they are only compared", async () => {
    const scratch = openScratch({});
    let url = "";
    try {
      await using rehearsal = await scratch.createDatabase();
      await using proof = await scratch.createDatabase("proof");
      await using again = await scratch.createDatabase("proof");
      expect(await ask(rehearsal.connectionString, "show wal_level")).toBe("replica");
      expect(await ask(proof.connectionString, "show wal_level")).toBe("minimal");
      const system = "select system_identifier::text from pg_control_system()";
      expect(await ask(again.connectionString, system)).toBe(await ask(proof.connectionString, system));
      url = proof.connectionString;
    } finally {
      await scratch.close();
    }
    await expect(ask(url, "select 1")).rejects.toThrow();
  });

  it("are all on the server that is named", async () => {
    const scratch = openScratch({ TMINUS_SCRATCH_URL: process.env.TMINUS_TEST_POSTGRES });
    await using rehearsal = await scratch.createDatabase();
    await using proof = await scratch.createDatabase("proof");
    const system = "select system_identifier::text from pg_control_system()";
    expect(await ask(proof.connectionString, system)).toBe(await ask(rehearsal.connectionString, system));
    await scratch.close();
  });
});
