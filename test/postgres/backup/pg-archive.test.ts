import { appendFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { backUp } from "../../../src/postgres/backup/back-up.ts";
import { compareRestored } from "../../../src/postgres/backup/compare.ts";
import { checkFiles, listBackups } from "../../../src/postgres/backup/files.ts";
import { isRollbackBasis } from "../../../src/postgres/backup/manifest.ts";
import { proveBackup } from "../../../src/postgres/backup/prove.ts";
import { restoreBackup } from "../../../src/postgres/backup/restore.ts";
import { libpqEnvironment } from "../../../src/postgres/backup/libpq-environment.ts";
import { makeDatabase } from "../../../src/postgres/backup/new-database.ts";
import {
  backupDirectory,
  backupLimits,
  runSql,
  RICH_ROWS,
  RICH_SCHEMA,
  testScratch,
} from "../../support/backup.ts";
import { freshDatabase } from "../../support/database.ts";
import { serverPrograms, startServer } from "../../support/own-server.ts";

const programs = serverPrograms();
const common = {
  ...backupLimits,
  key: null,
  label: "test",
  exclude: [],
  tool: "pg_dump",
  scratch: testScratch,
} as const;

describe("a backup by pg_dump", () => {
  it("is refused before anything is written where pg_dump is older than the server", async () => {
    const database = await freshDatabase();
    await using directory = await backupDirectory();
    try {
      const made = backUp({ ...common, connectionString: database.url, directory: directory.path });
      await expect(made).rejects.toMatchObject({
        code: "BACKUP_FAILED",
        hint: expect.stringMatching(/postgresql-client-18 .*tool: copy/) as string,
      });
      expect(await readdir(directory.path)).toEqual([]);
    } finally {
      await database.drop();
    }
  });

  it.skipIf(programs === undefined)(
    "is proven like our own, restores into a new database, and is checked by its hashes",
    async () => {
      await using server = await startServer(programs!);
      await using directory = await backupDirectory();
      await runSql(server.url, RICH_SCHEMA);
      await runSql(server.url, RICH_ROWS);
      const limits = { ...common, connectionString: server.url, directory: directory.path };
      await runSql(server.url, "create table busy (id serial primary key); create table log (x int)");
      // Every number of a sequence that a row of the snapshot has, whoever writes meanwhile.
      const over = new AbortController();
      let writes = 0;
      const writing = (async () => {
        for (; !over.signal.aborted; writes++)
          await runSql(
            server.url,
            "insert into busy default values; update shop.orders set total = total + 1 where id % 7 = 0",
          );
      })();
      const made = await backUp(limits).finally(() => over.abort());
      await writing;
      expect(writes).toBeGreaterThan(3);
      expect(isRollbackBasis(made.manifest)).toEqual({ basis: true, reasons: [] });
      expect(made.manifest.archive?.files.length).toBeGreaterThan(5);
      await checkFiles(made);
      const target = await makeDatabase(
        { connectionString: server.url, purpose: "restore", statementTimeoutMs: 60_000 },
        "again",
      );
      await restoreBackup(made, {
        ...backupLimits,
        connectionString: target.connectionString,
        createRoles: false,
        analyze: true,
      });
      const compared = await compareRestored(made, {
        ...backupLimits,
        connectionString: target.connectionString,
        purpose: "test",
      });
      expect(compared).toMatchObject({ differences: [], objectsBy: "definition" });
      await appendFile(join(made.folder, made.manifest.archive!.files[0]!.file), "x");
      await expect(proveBackup(made.folder, { ...backupLimits, scratch: testScratch })).rejects.toMatchObject(
        { code: "BACKUP_INVALID" },
      );
    },
  );

  it.skipIf(programs === undefined)(
    "does not count when the archive lacks rows, and gives no program the password as an argument",
    async () => {
      await using server = await startServer(programs!);
      await using directory = await backupDirectory();
      await runSql(
        server.url,
        "create table a (id int); create table b (id int); insert into b values (1), (2)",
      );
      const folder = join(directory.path, "programs");
      await mkdir(folder);
      const script = `#!/bin/sh\necho "$0 $@" >> ${folder}/calls\nexec ${programs!}/`;
      await writeFile(join(folder, "pg_dump"), `${script}pg_dump "$@" --exclude-table-data=b\n`, {
        mode: 0o755,
      });
      await writeFile(join(folder, "pg_restore"), `${script}pg_restore "$@"\n`, { mode: 0o755 });
      const backups = join(directory.path, "backups");
      const made = backUp({ ...common, programs: folder, connectionString: server.url, directory: backups });
      await expect(made).rejects.toMatchObject({
        code: "BACKUP_INVALID",
        message: expect.stringContaining("public.b has 0 rows instead of 2") as string,
      });
      const [found] = await listBackups(backups);
      expect(found !== undefined && "manifest" in found && isRollbackBasis(found.manifest).basis).toBe(false);
      const calls = await readFile(join(folder, "calls"), "utf8");
      expect(calls).toMatch(/pg_dump --format=directory .*--snapshot=/);
      expect(calls).toMatch(/pg_restore --format=directory/);
      expect(calls).not.toContain("pass word");
    },
  );
});

describe("the environment of PostgreSQL's programs", () => {
  const of = (rest: string) => libpqEnvironment(`postgres://me:p%40ss@db.example:6000/shop${rest}`);

  it("has host, user, password and database", () => {
    expect(of("")).toMatchObject({
      PGHOST: "db.example",
      PGPORT: "6000",
      PGUSER: "me",
      PGPASSWORD: "p@ss",
      PGDATABASE: "shop",
    });
  });

  it("checks certificates as strictly as our own connections", () => {
    expect(of("?sslmode=require").PGSSLMODE).toBe("verify-full");
    expect(of("?ssl=true").PGSSLMODE).toBe("verify-full");
    expect(of("?sslmode=require&uselibpqcompat=true").PGSSLMODE).toBe("require");
    expect(of("?sslmode=no-verify").PGSSLMODE).toBe("require");
    expect(of("?sslmode=verify-ca&sslrootcert=/ca.pem")).toMatchObject({
      PGSSLMODE: "verify-full",
      PGSSLROOTCERT: "/ca.pem",
    });
  });

  it("refuses what it would have to leave out, without repeating the value", () => {
    expect(() => of("?target_session_attrs=secret")).toThrow(/parameter target_session_attrs, which/);
    expect(() => of("?target_session_attrs=secret")).not.toThrow(/secret/);
    expect(() => libpqEnvironment("host=db password=secret")).not.toThrow(/secret/);
  });
});
