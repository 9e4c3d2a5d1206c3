import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { every, systemClock } from "../../src/lib/clock.ts";
import { randomText } from "../../src/lib/id.ts";
import { findHome } from "../../src/store/embedded/cluster-home.ts";
import { joinCluster } from "../../src/store/embedded/join-cluster.ts";
import { CommandLine } from "../support/command-line.ts";
import { questionStep, RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { runningProcesses } from "../support/processes.ts";
import { ReleaseProject } from "../support/release-project.ts";

/**
 * Values that come by environment variables reach the programs that need them and nothing else. Programs that
 * print them stand for all that quote what they were given.
 */
const token = `tok-${randomText(24)}`;
const password = `pw-${randomText(24)}`;
const hook = `hook-${randomText(24)}`;
const secrets = [token, password, hook];

const TELL = resolve(import.meta.dirname, "../fixtures/commands/tell.mjs");
const tell = (what: string): string => JSON.stringify(["node", TELL, what]);
const COMMAND = `      - id: tell
        kind: command
        with: { run: ${tell("do")}, check: ${tell("check")}, undo: ${tell("undo")}, env: { AGAIN: "env:APP_TOKEN" } }
`;
const MIGRATE =
  '      - { id: migrate, kind: db.migrate, with: { directory: "releases/{release}/migrations" } }\n';
const NOTIFY = "      - { id: say, kind: notify, with: { channels: [hook], title: it, text: goes out } }\n";
const FAILING = `      - { id: fail, kind: command, with: { run: ${tell("1")}, repeatable: true } }\n`;
const UNHEARD =
  "      - { id: unheard, kind: notify, with: { channels: [deaf], title: it, text: goes out } }\n";

let project: ReleaseProject;
let tminus: CommandLine;
const argumentsSeen = new Set<string>();
let stopLooking: () => void;

beforeAll(async () => {
  project = await ReleaseProject.create({
    embedded: true,
    stages: stage("go", MIGRATE + COMMAND + NOTIFY + questionStep("sure") + RELEASE_STEPS),
    variables: { TOKEN: "env:APP_TOKEN" },
    channels: '  - { id: deaf, kind: webhook, url: "env:DEAF_URL" }\n',
    gates: `  - { id: told, kind: command, with: { run: ${tell("0")}, env: { TOKEN: "env:APP_TOKEN" } } }\n`,
  });
  const plain = project.environment();
  const database = new URL(plain.APP_DATABASE_URL!);
  database.password = password;
  tminus = new CommandLine(project.directory, {
    ...plain,
    APP_TOKEN: token,
    APP_DATABASE_URL: database.href,
    HOOK_URL: `${plain.HOOK_URL}/${hook}`,
    DEAF_URL: `http://127.0.0.1:1/${hook}`,
  });
  stopLooking = every(25, () => {
    for (const { pid, command } of runningProcesses()) {
      const found = secrets.find((secret) => command.includes(secret));
      if (found !== undefined) argumentsSeen.add(`${pid} ${command}`);
    }
  });
});
afterAll(async () => {
  stopLooking();
  await tminus.close();
  await project.close();
});

/** Places of the text in which a secret stands, with a few words around it. */
function secretsIn(text: string): string[] {
  return secrets.flatMap((secret) => {
    const at = text.indexOf(secret);
    return at < 0 ? [] : [text.slice(Math.max(0, at - 80), at + secret.length + 20)];
  });
}

/** Every text and JSON value of every table that tminus or its engine keeps, by table and column. */
async function journalLeaks(): Promise<string[]> {
  const directory = join(project.directory, ".tminus", "postgres");
  const { cluster, leave } = await joinCluster({ directory, clock: systemClock });
  onTestFinished(() => leave({ stopServer: false }));
  const url = await cluster.ensureDatabase("tminus");
  const columns = await project.query<{ place: string; sql: string }>(
    `select format('%I.%I.%I', table_schema, table_name, column_name) as place,
            format('select %I::text as value from %I.%I', column_name, table_schema, table_name) as sql
     from information_schema.columns where table_schema in ('tminus', 'dbos')`,
    url,
  );
  expect(columns.length).toBeGreaterThan(60);
  const leaks: string[] = [];
  for (const { place, sql } of columns) {
    for (const { value } of await project.query<{ value: string | null }>(sql, url))
      for (const found of secretsIn(value ?? "")) leaks.push(`${place}: ${found}`);
  }
  return leaks;
}

/** Every file below the state folder, the database server's own included; not what the application itself prints. */
function fileLeaks(): { files: number; leaks: string[] } {
  const state = join(project.directory, ".tminus");
  const { folder } = findHome(join(state, "postgres"))!;
  const folders = folder.startsWith(state) ? [state] : [state, folder];
  const files = folders
    .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => existsSync(file) && !/\/logs\/(?!edge)/.test(file));
  const leaks = files.flatMap((file) =>
    secretsIn(readFileSync(file, "latin1")).map((found) => `${file}: ${found}`),
  );
  return { files: files.length, leaks };
}

/** The exit code of a command; when it is not the one expected, what it printed. */
async function expectExit(expected: number, ...args: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await tminus.run(...args);
  expect(exitCode, `${stdout}\n${stderr}`).toBe(expected);
}

/** What can be asked about the newest run and all others. */
async function askEverything(): Promise<void> {
  for (const args of [["status"], ["show"], ["log", "--markdown"], ["doctor"], ["watch", "--json=stream"]])
    await tminus.run(...args);
  const { value } = await tminus.json<{ attempts: { result?: { output?: string } }[] }>("show");
  const kept = value.attempts.flatMap(({ result }) => result?.output ?? []);
  expect(kept.length).toBeGreaterThan(0);
  for (const sha256 of kept) await expectExit(0, "show", "--evidence", sha256);
}

describe("a secret given by the environment", () => {
  it(
    "is used, and is in no output, no journal, no file and no process's arguments",
    { timeout: 300_000 },
    async () => {
      await expectExit(0, "plan", "--release", "v1", "-o", "plan.json");
      const follower = tminus.start("deploy", "--plan", "plan.json");
      await follower.until(/waiting: sure/);
      await expectExit(4, "status", "--json");
      await expectExit(0, "ack", "sure");
      expect((await follower.within(40_000)).exitCode).toBe(0);
      expect(project.paths).toEqual([`/hook/${hook}`]);
      await askEverything();

      project.use({ stages: stage("go", COMMAND + FAILING) });
      await expectExit(5, "deploy", "--release", "v1");
      await expectExit(0, "unlock", "production", "--reason", "it was meant to fail");
      project.use({ stages: stage("go", COMMAND + UNHEARD) });
      await expectExit(0, "deploy", "--release", "v2", "--json=stream");
      project.use({ stages: stage("go", COMMAND + RELEASE_STEPS), app: "telling.mjs" });
      const crashed = await tminus.run("deploy", "--release", "v2");
      expect([crashed.exitCode, crashed.stdout]).toEqual([
        5,
        expect.stringContaining("cannot log in with ***"),
      ]);
      await askEverything();

      expect(tminus.printed()).toContain("token ***\n***\nxxx");
      expect(secretsIn(tminus.printed())).toEqual([]);
      expect(secretsIn(readFileSync(join(project.directory, "plan.json"), "utf8"))).toEqual([]);
      expect(await journalLeaks()).toEqual([]);
      const { files, leaks } = fileLeaks();
      expect(leaks).toEqual([]);
      expect(files).toBeGreaterThan(500);
      expect([...argumentsSeen]).toEqual([]);
    },
  );
});
