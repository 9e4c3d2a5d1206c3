import { existsSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { expect, it } from "vitest";
import { run } from "../../src/lib/process.ts";
import { openThrowawayPostgres } from "../../src/store/throwaway-postgres.ts";
import { freshDatabase } from "../support/database.ts";

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

it("gives every caller an empty database of its own", async () => {
  const one = await freshDatabase();
  const two = await freshDatabase();
  await query(one.url, "create table t (n int)");
  const sql = "select to_regclass('t') as found, current_setting('server_encoding') as encoding";
  expect(await query(two.url, sql)).toEqual([{ found: null, encoding: "UTF8" }]);
  await one.drop();
  await two.drop();
  await one.drop();
});

it("copies a template database, and drops a database in which sessions are open", async () => {
  const template = await freshDatabase();
  await query(template.url, "create table t as select 5 as n");
  const copy = await freshDatabase(decodeURIComponent(new URL(template.url).pathname.slice(1)));
  const session = new Client({ connectionString: copy.url });
  session.on("error", () => {});
  await session.connect();
  expect((await session.query("select n from t")).rows).toEqual([{ n: 5 }]);
  await copy.drop();
  await template.drop();
  await expect(query(copy.url, "select 1")).rejects.toThrow("does not exist");
});

it("removes its data when it is closed, and what a killed process left", async () => {
  const module = join(import.meta.dirname, "../../src/store/throwaway-postgres.ts");
  const script = `
    const { openThrowawayPostgres } = await import(${JSON.stringify(module)});
    console.log(new URL((await openThrowawayPostgres()).adminUrl).searchParams.get("host"));
    process.kill(process.pid, "SIGKILL");`;
  const killed = await run([process.execPath, "--input-type=module", "-e", script], { timeoutMs: 50_000 });
  const left = killed.output.trim();
  expect(existsSync(left)).toBe(true);
  const server = await openThrowawayPostgres();
  expect(existsSync(left)).toBe(false);
  const own = new URL(server.adminUrl).searchParams.get("host")!;
  expect(await query(await server.url(), "select 1 as one")).toEqual([{ one: 1 }]);
  await server.close();
  expect(existsSync(own)).toBe(false);
  await server.close();
});
