import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSession, readOnly } from "../../../../src/postgres/session/connect.ts";
import { readSchema, type SchemaReading } from "../../../../src/postgres/backup/schema/read-schema.ts";
import { RICH_SCHEMA, runSql } from "../../../support/backup.ts";
import { freshDatabase, type FreshDatabase } from "../../../support/database.ts";

let source: FreshDatabase;
beforeAll(async () => {
  source = await freshDatabase();
  await runSql(source.url, RICH_SCHEMA);
});
afterAll(() => source.drop());

const read = (connectionString: string): Promise<SchemaReading> =>
  readOnly({ connectionString, purpose: "test", statementTimeoutMs: 60_000 }, readSchema);
const plain = ({ objects }: SchemaReading) => objects.map(({ key, phase, sql }) => ({ key, phase, sql }));

describe("reading a schema", () => {
  it("gives statements that make the same schema again", async () => {
    const first = await read(source.url);
    const target = await freshDatabase();
    try {
      await using session = await openSession({
        connectionString: target.url,
        purpose: "test",
        statementTimeoutMs: 60_000,
      });
      await session.query("set check_function_bodies = off; select set_config('search_path', '', false)");
      for (const { sql } of first.objects) for (const statement of sql) await session.query(statement);
      expect(plain(await read(target.url))).toEqual(plain(first));
      expect(first.objects.length).toBeGreaterThan(100);
      expect(first.uncovered).toEqual([]);
    } finally {
      await target.drop();
    }
  });

  it("gives every object one name", async () => {
    const keys = (await read(source.url)).objects.map(({ key }) => key);
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
  });

  it("names what it does not cover", async () => {
    const other = await freshDatabase();
    try {
      await runSql(
        other.url,
        `create table t (a int); create aggregate agg (int) (sfunc = int4pl, stype = int);
         create operator === (leftarg = int, rightarg = int, function = int4eq); create publication p for table t;
         create collation c (provider = icu, locale = 'und'); create text search configuration cfg (copy = simple);
         create extension postgres_fdw; create server s foreign data wrapper postgres_fdw;
         create foreign table ft (a int) server s; select lo_create(0);
         do $$ begin execute 'alter database ' || current_database() || ' set work_mem = ''5MB'''; end $$;
         do $$ begin execute 'comment on database ' || current_database() || ' is ''x'''; end $$;
         create type c2 as (a int); create table typed of c2;`,
      );
      expect((await read(other.url)).uncovered).toEqual([
        "1 large objects",
        "collation public.c",
        "comment on the database",
        "foreign table public.ft",
        "function public.agg(integer)",
        "operator public.===(integer,integer)",
        "publication p",
        "server s",
        "settings of the database",
        "table public.typed",
        "text search configuration public.cfg",
      ]);
    } finally {
      await other.drop();
    }
  });
});
