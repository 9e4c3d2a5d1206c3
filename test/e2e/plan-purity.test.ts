import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../src/lib/process.ts";
import { isPortFree } from "../../src/providers/local/free-port.ts";
import { openThrowawayPostgres, type ThrowawayPostgres } from "../../src/store/throwaway-postgres.ts";
import { CommandLine } from "../support/command-line.ts";
import { effectStep, RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { processesNaming } from "../support/processes.ts";
import { ReleaseProject } from "../support/release-project.ts";

/** Many processes on a machine that others use too. */
const ROOM = { timeout: 120_000 };

/** Planning looks at everything and changes nothing. The database is on a server of its own, where nobody else writes. */
const MIGRATE =
  '      - { id: migrate, kind: db.migrate, with: { directory: "releases/{release}/migrations" } }\n';
const GATES = `  - { id: clean, kind: git.clean }
  - { id: program, kind: command, with: { run: [node, -e, ""] } }
`;
const BROKEN_GATE = '  - { id: broken, kind: command, with: { run: [node, -e, "process.exit(1)"] } }\n';

let server: ThrowawayPostgres;
let databaseUrl: string;
let project: ReleaseProject;
let tminus: CommandLine;

beforeAll(async () => {
  server = await openThrowawayPostgres();
  databaseUrl = await server.url();
  await ask("alter system set autovacuum = off");
  await ask("select pg_reload_conf()");
  project = await ReleaseProject.create({
    stages: stage("go", MIGRATE + effectStep("a", "a-@run") + RELEASE_STEPS),
    gates: GATES,
  });
  mkdirSync(join(project.directory, "tmp"));
  await makeRepository();
  const own = { APP_DATABASE_URL: databaseUrl, TMPDIR: join(project.directory, "tmp") };
  tminus = new CommandLine(project.directory, project.environment({ ...own, TMINUS_START_WORKER: "0" }));
});
afterAll(async () => {
  await tminus.close();
  await project.close();
  await server.close();
});

/** With a tracked file that git would look at again, and then write its index, if it were let. */
async function makeRepository(): Promise<void> {
  const git = async (...args: string[]): Promise<void> => {
    const who = ["-c", "user.name=mia", "-c", "user.email=mia@example.com"];
    const env = { PATH: process.env.PATH ?? "", HOME: project.directory };
    const ran = await run(["git", ...who, ...args], { cwd: project.directory, env, timeoutMs: 20_000 });
    expect(ran.exitCode, ran.output).toBe(0);
  };
  writeFileSync(join(project.directory, ".gitignore"), "*\n");
  writeFileSync(join(project.directory, "tracked.txt"), "text\n");
  await git("init", "--quiet");
  await git("add", "--force", "tracked.txt");
  await git("commit", "--quiet", "--message", "first");
  utimesSync(join(project.directory, "tracked.txt"), 1_700_000_000, 1_700_000_000);
}

async function ask<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

function hashOf(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Every table, the catalog's own too, by a hash of its rows; and the next transaction id, which every write raises. */
async function databaseState(): Promise<Record<string, string>> {
  const tables = await ask<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' order by 1`,
  );
  const queries = tables.map(
    ({ name }) =>
      `select '${name}' as name, array_agg(t::text order by t::text)::text as rows from ${name} t`,
  );
  const rows = await ask<{ name: string; rows: string | null }>(queries.join(" union all "));
  const [next] = await ask<{ xid: string }>("select pg_snapshot_xmax(pg_current_snapshot())::text as xid");
  return { ...Object.fromEntries(rows.map(({ name, rows }) => [name, hashOf(rows ?? "")])), xid: next!.xid };
}

/** Every file and folder of the project (its home and its folder for temporary files are inside) by what it is and when it changed. */
function fileState(): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (folder: string): void => {
    for (const name of readdirSync(join(project.directory, folder))) {
      const path = join(folder, name);
      // The state folder, and the log of this test's own worker.
      if (path === ".tminus" || path === "worker.log") continue;
      const stat = lstatSync(join(project.directory, path), { bigint: true });
      const content = stat.isFile() ? hashOf(readFileSync(join(project.directory, path))) : "";
      found[path] = [stat.mode, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs, content].join(" ");
      if (stat.isDirectory()) visit(path);
    }
  };
  visit(".");
  return found;
}

/** What of the target can be seen from outside. */
async function targetState(): Promise<object> {
  const edge = join(project.directory, ".tminus/targets/production/local/production/edge.json");
  return {
    processes: processesNaming(project.directory).filter(({ command }) => !command.includes(" worker ")),
    portIsFree: await isPortFree("127.0.0.1", project.port),
    edge: lstatSync(edge, { throwIfNoEntry: false }) === undefined ? "" : readFileSync(edge, "utf8"),
  };
}

interface PlanJson {
  blocked: boolean;
  plan: { gates: { id: string; verdict: string }[]; blocked: { where: string; reason: string }[] };
}

/** Plans, both as text and as JSON, and returns the latter, after everything was found as it had been. */
async function planUnseen(release: string, exitCode: number): Promise<PlanJson> {
  const look = async (): Promise<object> => ({
    database: await databaseState(),
    files: fileState(),
    target: await targetState(),
  });
  const before = await look();
  const text = await tminus.run("plan", "--release", release);
  const { stdout, exitCode: exit } = await tminus.run("plan", "--release", release, "--json");
  expect(await look()).toEqual(before);
  expect([text.exitCode, exit]).toEqual([exitCode, exitCode]);
  expect(stdout.trim().split("\n")).toHaveLength(1);
  return JSON.parse(stdout) as PlanJson;
}

describe("a plan", ROOM, () => {
  it("changes nothing before anything was ever deployed", async () => {
    const { blocked, plan } = await planUnseen("v1", 0);
    expect(blocked).toBe(false);
    expect(plan.gates.map(({ id, verdict }) => [id, verdict])).toEqual([
      ["clean", "pass"],
      ["program", "pass"],
    ]);
    expect(await targetState()).toEqual({ processes: [], portIsFree: true, edge: "" });
  });

  it("changes nothing while a release is live, and exits 3 naming what blocks it", async () => {
    await project.startWorker({ APP_DATABASE_URL: databaseUrl });
    expect((await tminus.run("deploy", "--release", "v1")).exitCode).toBe(0);
    expect((await planUnseen("v2", 0)).blocked).toBe(false);

    project.use({ gates: GATES + BROKEN_GATE });
    const gated = await planUnseen("v2", 3);
    expect(gated).toMatchObject({ blocked: true, plan: { blocked: [{ where: "gate broken" }] } });
    expect((await tminus.run("deploy", "--release", "v2")).exitCode).toBe(3);
    project.use({});

    const applied = join(project.directory, "releases/v2/migrations/20260101000000_first.sql");
    writeFileSync(applied, `${readFileSync(applied, "utf8")}-- edited\n`);
    const { plan } = await planUnseen("v2", 3);
    expect(plan.blocked).toMatchObject([
      {
        where: "step migrate",
        reason: expect.stringMatching(/20260101000000_first\.sql was edited after it ran/),
      },
    ]);
  });
});
