import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";
import { runCommand, type CommandResult } from "../support/run-command.ts";

const NO_RUNS = (): Promise<never> => Promise.reject(new Error("not used here"));
const directory = mkdtempSync(join(tmpdir(), "tminus-db-lint-"));
let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
  write("bad", "1_users.sql", "create table users (id bigint primary key, name text)");
  write("bad", "2_index.sql", "create index on users (name)");
  write("ask", "1_users.sql", "create table users (id bigint primary key, note text)");
  write("ask", "2_json.sql", "alter table users add column meta json");
  write("clean", "1_users.sql", "create table users (id bigint primary key)");
});
afterAll(async () => {
  await database.drop();
  rmSync(directory, { recursive: true, force: true });
});

function write(folder: string, file: string, up: string): void {
  mkdirSync(join(directory, folder), { recursive: true });
  writeFileSync(join(directory, folder, file), `-- tminus: up\n${up};\n`);
}

const run = (...argv: string[]): Promise<CommandResult> =>
  runCommand(NO_RUNS, ["db", "lint", "--dir", ...argv], { directory, environment: { DB: database.url } });

interface Report {
  findings: { rule: string; severity: string; file: string; line: number; column: number }[];
  allowed: { rule: string; reason: string }[];
  files: number;
  problems: unknown[];
  exitCode: number;
}

describe("tminus db lint", () => {
  it("needs neither a runbook nor a database, and exits 3 with place, reason and what to write instead", async () => {
    const { stdout, exitCode } = await run("bad");
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(
      /^bad\/2_index\.sql:2:1 {2}block {2}.+ {2}\[index-without-concurrently\]\n {4}.*CONCURRENTLY/m,
    );
    expect(stdout).toContain("1 to block in 2 statements of 2 files");
  });

  it("exits 0 for what is clean, and for what needs a yes only without --strict", async () => {
    expect((await run("clean")).exitCode).toBe(0);
    const asked = await run("ask", "--json");
    expect(asked.exitCode).toBe(0);
    expect(JSON.parse(asked.stdout)).toMatchObject({
      exitCode: 0,
      findings: [{ rule: "json-column", severity: "ask", file: "ask/2_json.sql", line: 2, column: 30 }],
    });
    expect((await run("ask", "--strict")).exitCode).toBe(3);
  });

  it("leaves matters of taste out unless they are asked for", async () => {
    write("taste", "1_users.sql", "create table users (id serial primary key)");
    const rules = async (...more: string[]): Promise<string[]> =>
      (JSON.parse((await run("taste", "--json", ...more)).stdout) as Report).findings.map(({ rule }) => rule);
    expect(await rules()).toEqual([]);
    expect(await rules("--style")).toContain("prefer-identity");
  });

  it("writes annotations that GitHub understands", async () => {
    const { stdout } = await run("bad", "--format", "github");
    expect(stdout).toMatch(
      /^::error file=bad\/2_index\.sql,line=2,col=1,title=index-without-concurrently::[^\n]+$/m,
    );
  });

  it("writes SARIF with every rule, and what a file allows as suppressed", async () => {
    writeFileSync(
      join(directory, "bad/3_allowed.sql"),
      "-- tminus: allow index-without-concurrently nobody is there at night\n-- tminus: up\ncreate index on users (id);\n",
    );
    const { stdout, exitCode } = await run("bad", "--format", "sarif");
    rmSync(join(directory, "bad/3_allowed.sql"));
    expect(exitCode).toBe(3);
    const log = JSON.parse(stdout) as {
      version: string;
      runs: { tool: { driver: { rules: { id: string }[] } }; results: { ruleId: string }[] }[];
    };
    expect(log.version).toBe("2.1.0");
    const [{ tool, results } = { tool: undefined, results: [] }] = log.runs;
    const ids = tool!.driver.rules.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(results.filter(({ ruleId }) => !ids.includes(ruleId))).toEqual([]);
    expect(results.filter(({ ruleId }) => ruleId === "index-without-concurrently")).toMatchObject([
      {
        level: "error",
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: "bad/2_index.sql" },
              region: { startLine: 2, startColumn: 1 },
            },
          },
        ],
      },
      { suppressions: [{ kind: "inSource", justification: "nobody is there at night" }] },
    ]);
  });

  it("asks a named database what is pending and how large its tables are", async () => {
    write("sized", "1_old.sql", "create index on large (id)");
    write("sized", "2_small.sql", "create index on small (id)");
    write("sized", "3_large.sql", "create index on large (id)");
    write("sized", "4_parts.sql", "create index on parts (id)");
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query(`
      create table small as select 1 as id; create table large as select generate_series(1, 20000) as id;
      create table parts (id int) partition by range (id);
      create table parts_1 partition of parts for values from (1) to (20001);
      insert into parts select generate_series(1, 20000); analyze`);
    await client.end();
    const all = JSON.parse((await run("sized", "--json")).stdout) as Report;
    expect(all.findings.filter(({ severity }) => severity === "block")).toHaveLength(4);
    const { findings, files } = JSON.parse(
      (await run("sized", "--json", "--database", "env:DB")).stdout,
    ) as Report;
    expect(files).toBe(4);
    expect(findings.filter(({ severity }) => severity === "block").map(({ file }) => file)).toEqual([
      "sized/1_old.sql",
      "sized/3_large.sql",
      "sized/4_parts.sql",
    ]);
  });

  it("says which folder cannot be read", async () => {
    const { exitCode, stderr } = await run("nowhere");
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("MIGRATION_INVALID");
  });
});
