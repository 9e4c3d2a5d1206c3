import { describe, expect, it } from "vitest";
import { backupDirectory, querySql, runSql } from "../../support/backup.ts";
import { serverPrograms, startServer } from "../../support/own-server.ts";
import { runCommand, type CommandResult } from "../support/run-command.ts";

const NO_RUNS = (): Promise<never> => Promise.reject(new Error("not used here"));
const programs = serverPrograms();

describe("tminus db backup --tool pg_dump", () => {
  it.skipIf(programs === undefined)(
    "makes a backup that counts, and restores it into a new database",
    async () => {
      await using server = await startServer(programs!);
      await using directory = await backupDirectory();
      await runSql(
        server.url,
        `create table people (id int generated always as identity primary key, name text);
       insert into people (name) select 'n' || g from generate_series(1, 50) g; create table logs (id int); insert into logs values (1)`,
      );
      const run = (...argv: string[]): Promise<CommandResult> =>
        runCommand(NO_RUNS, ["db", ...argv, "--database", "env:DB"], {
          directory: directory.path,
          environment: { DB: server.url, TMINUS_SCRATCH_URL: process.env.TMINUS_TEST_POSTGRES! },
        });
      const made = await run(
        "backup",
        "--tool",
        "pg_dump",
        "--programs",
        programs!,
        "--exclude",
        "public.logs",
      );
      expect(made.exitCode).toBe(0);
      expect(made.stdout).toMatch(/^backed up 1 table, 50 rows, 0\.0 MB by pg_dump \d+\.\d+, as of /);
      expect(made.stdout).toContain("left out, as told: rows of public.logs");
      const listed = await run("backups", "--json");
      expect(JSON.parse(listed.stdout)).toMatchObject({ backups: [{ basis: true, tool: "pg_dump" }] });
      await runSql(server.url, "insert into people (name) values ('later')");
      const restored = await run("restore", "--into", "restored");
      expect(restored.exitCode).toBe(0);
      const url = new URL(server.url);
      url.pathname = "/restored";
      expect(
        await querySql(
          url.href,
          "select count(*)::int as people, (select count(*)::int from logs) as logs from people",
        ),
      ).toEqual([{ people: 50, logs: 0 }]);
      await runSql(url.href, "insert into people (name) values ('goes on')");
    },
  );
});
