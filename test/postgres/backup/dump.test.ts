import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSession } from "../../../src/postgres/session/connect.ts";
import { readRows } from "../../../src/postgres/backup/files.ts";
import { proveBackup } from "../../../src/postgres/backup/prove.ts";
import {
  backupDirectory,
  backupLimits,
  dumpForTest,
  querySql,
  runSql,
  testScratch,
} from "../../support/backup.ts";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";

let source: FreshDatabase;
let directory: Awaited<ReturnType<typeof backupDirectory>>;
beforeEach(async () => {
  source = await freshDatabase();
  directory = await backupDirectory();
});
afterEach(async () => {
  await directory[Symbol.asyncDispose]();
  await source.drop();
});

describe("dumping a database", () => {
  it("holds one moment, while others write into all its tables", async () => {
    await runSql(
      source.url,
      `create table a (id int primary key, filler text); create table b (id int primary key, filler text);
       insert into a select g, repeat('x', 200) from generate_series(1, 20000) g; insert into b select * from a`,
    );
    const stopping = new AbortController();
    const writing = (async () => {
      await using session = await openSession({
        connectionString: source.url,
        purpose: "writer",
        statementTimeoutMs: 60_000,
      });
      for (let id = 100_000; !stopping.signal.aborted; id++) {
        await session.query(`insert into a values (${id}, 'w'); `);
        await session.query(
          `begin; delete from b where id = ${id - 99_999}; insert into a values (-${id}, 'w'); insert into b values (-${id}, 'w'), (${id}, 'w'); commit`,
        );
      }
    })();
    try {
      for (let round = 0; round < 3; round++) {
        const { manifest, folder } = await dumpForTest(source.url, directory.path);
        const [one, other] = manifest.tables.map(({ content }) => content.rows);
        // a grows by two for every one that b grows by; the first of the two may be in without the second.
        expect([0, 1]).toContain(one! - 20_000 - 2 * (other! - 20_000));
        await proveBackup(folder, { ...backupLimits, scratch: testScratch });
      }
    } finally {
      stopping.abort();
      await writing;
    }
    const [count] = await querySql<{ count: string }>(source.url, "select count(*) from a");
    expect(Number(count!.count)).toBeGreaterThan(20_000);
  });

  it("shares a large table out in ranges of pages, of which each knows its rows", async () => {
    // 64 MB a part.
    await runSql(
      source.url,
      `create table big (id int, filler text); alter table big alter column filler set storage plain;
       insert into big select g, repeat(chr(65 + g % 26), 7000) from generate_series(1, 9000) g;
       delete from big where id % 3 = 0`,
    );
    const backup = await dumpForTest(source.url, directory.path);
    const [big] = backup.manifest.tables;
    expect(big!.parts.map(({ content }) => content.rows)).toEqual([5462, 538]);
    expect(big!.content.rows).toBe(6000);
    let bytes = 0;
    for await (const chunk of readRows(backup, big!.parts[1]!)) bytes += chunk.length;
    expect(bytes).toBeGreaterThan(538 * 7000);
    await proveBackup(backup.folder, { ...backupLimits, scratch: testScratch });
  });

  it("tells rows apart that are equal but not the same", async () => {
    await runSql(
      source.url,
      "create table n (a numeric, b float8, c interval); insert into n values (1.0, 0, '30 days')",
    );
    const first = await dumpForTest(source.url, directory.path);
    const contents = [first.manifest.tables[0]!.content.sum];
    for (const change of ["a = 1.00", "b = '-0'", "c = '1 month'"]) {
      await runSql(source.url, `update n set ${change}`);
      contents.push((await dumpForTest(source.url, directory.path)).manifest.tables[0]!.content.sum);
    }
    expect(new Set(contents).size).toBe(4);
  });

  it("leaves nothing when it is interrupted, and removes what a dead process left", async () => {
    await runSql(
      source.url,
      "create table t (a int, filler text); insert into t select g, md5(g::text) from generate_series(1, 300000) g",
    );
    await mkdir(join(directory.path, ".partial-999999999-1-abcdef", "data"), { recursive: true });
    const stopping = new AbortController();
    const dumping = dumpForTest(source.url, directory.path, { signal: stopping.signal });
    const isWriting = async (): Promise<boolean> => {
      const [own] = (await readdir(directory.path)).filter((name) =>
        name.startsWith(`.partial-${process.pid}-`),
      );
      if (own === undefined) return false;
      return (await readdir(join(directory.path, own, "data")).catch(() => [])).length > 0;
    };
    while (!(await isWriting()));
    stopping.abort(new Error("stop"));
    await expect(dumping).rejects.toThrow("stop");
    expect(await readdir(directory.path)).toEqual([]);
    const sessions = await querySql(
      source.url,
      "select 1 from pg_stat_activity where application_name = 'tminus backup' and datname = current_database() and state = 'active'",
    );
    expect(sessions).toEqual([]);
  });

  it("refuses to leave out rows that row security hides", async () => {
    await runSql(
      source.url,
      `do $$ begin create role backup_limited login; exception when duplicate_object then null; end $$;
       create table secrets (a int); insert into secrets values (1); alter table secrets enable row level security;
       grant select on secrets to backup_limited`,
    );
    const limited = new URL(source.url);
    limited.username = "backup_limited";
    await expect(dumpForTest(limited.href, directory.path)).rejects.toMatchObject({
      code: "BACKUP_FAILED",
      message: expect.stringContaining("row-level security") as string,
    });
    expect(await readdir(directory.path)).toEqual([]);
  });

  it("says who stands in the way when a schema change holds a table", async () => {
    await runSql(source.url, "create table held (a int)");
    await using session = await openSession({
      connectionString: source.url,
      purpose: "ddl",
      statementTimeoutMs: 60_000,
    });
    await session.query("begin");
    await session.query("alter table held add column b int");
    await expect(dumpForTest(source.url, directory.path, { lockTimeoutMs: 50 })).rejects.toMatchObject({
      code: "BACKUP_FAILED",
      hint: expect.stringContaining("schema change") as string,
    });
    await session.rollback();
  });

  it("leaves out the rows of the tables named, and says so", async () => {
    await runSql(
      source.url,
      "create table kept (a int); create table logs (a int); insert into logs values (1)",
    );
    const { manifest, folder } = await dumpForTest(source.url, directory.path, { exclude: ["public.logs"] });
    expect(manifest.tables.map(({ name }) => name)).toEqual(["public.kept"]);
    expect(manifest.excluded).toEqual(["public.logs"]);
    await proveBackup(folder, { ...backupLimits, scratch: testScratch });
    await expect(dumpForTest(source.url, directory.path, { exclude: ["logs"] })).rejects.toThrow(
      /there is no table logs/,
    );
  });
});
