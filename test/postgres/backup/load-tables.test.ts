import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compareRestored } from "../../../src/postgres/backup/compare.ts";
import { restoreBackup } from "../../../src/postgres/backup/restore.ts";
import { backupDirectory, backupLimits, dumpForTest, querySql, runSql } from "../../support/backup.ts";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";

let source: FreshDatabase;
let target: FreshDatabase;
let directory: Awaited<ReturnType<typeof backupDirectory>>;

beforeEach(async () => {
  [source, target, directory] = [await freshDatabase(), await freshDatabase(), await backupDirectory()];
  await runSql(
    source.url,
    `create table large (id int primary key, a int, b text); create table small (id int primary key, large int);
     insert into large select g, g, md5(g::text) from generate_series(1, 20000) g;
     insert into small select g, g from generate_series(1, 5000) g;
     create index large_a on large (a); create unique index large_b on large (b); create index small_large on small (large);
     alter table large replica identity using index large_pkey; alter table large cluster on large_a;
     alter table small add foreign key (large) references large;
     create table parts (id int, at date, unique (id, at)) partition by range (at);
     create table parts_1 partition of parts for values from ('2026-01-01') to ('2026-02-01');
     create table parts_2 partition of parts default;
     insert into parts select g, '2026-01-01'::date + g % 60 from generate_series(1, 3000) g;
     create index parts_at on parts (at); create index parts_2_id on parts_2 (id);
     create table empty (id int primary key)`,
  );
});
afterEach(async () => {
  await directory[Symbol.asyncDispose]();
  await Promise.all([source.drop(), target.drop()]);
});

describe("loading tables", () => {
  it.each([1, 2, 4])("brings all rows and builds all indexes with %i connections", async (jobs) => {
    const backup = await dumpForTest(source.url, directory.path);
    const options = { ...backupLimits, jobs, connectionString: target.url };
    await restoreBackup(backup, { ...options, createRoles: false, analyze: false });
    const { differences } = await compareRestored(backup, { ...options, purpose: "test" });
    expect(differences).toEqual([]);
    const rows = await querySql<{ name: string; visible: boolean }>(
      target.url,
      "select relname as name, relallvisible > 0 as visible from pg_class where relname in ('large', 'small') order by 1",
    );
    // With four connections the large table is shared out among them, and one transaction cannot mark its rows.
    expect(rows).toEqual([
      { name: "large", visible: jobs < 4 },
      { name: "small", visible: true },
    ]);
  });

  it("fails when a table does not take its rows, while others wait for their turn", async () => {
    const backup = await dumpForTest(source.url, directory.path);
    const small = backup.manifest.tables.find(({ name }) => name === "public.small")!;
    small.columns = ["id", "nothing"];
    const restoring = restoreBackup(backup, {
      ...backupLimits,
      connectionString: target.url,
      createRoles: false,
      analyze: false,
    });
    await expect(restoring).rejects.toMatchObject({ code: "BACKUP_FAILED" });
  });
});
