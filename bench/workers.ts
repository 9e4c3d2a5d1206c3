import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { openTminus } from "../src/compose.ts";
import { systemClock } from "../src/lib/clock.ts";
import { isAlive, sendSignal, spawnDetached, terminate, type ProcessIdentity } from "../src/lib/process.ts";
import { uncheckedActor } from "../src/model/actor.ts";
import type { Tminus } from "../src/model/tminus.ts";
import { openClient, type Client } from "../src/store/pool.ts";
import type { Benchmark } from "./benchmark.ts";
import { openStateDatabase } from "./support/state-database.ts";
import { rounded } from "./support/statistics.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

/** A runbook has at most 50 environments, each with one run at a time. */
const PROJECTS = 4;
const ENVIRONMENTS = 50;
const RUNS = PROJECTS * ENVIRONMENTS;
/** That are under way when a worker is killed. */
const WHEN_KILLED = 30;
const WORKERS = 3;
const MAIN = resolve(import.meta.dirname, "../src/cli/main.ts");
const POLL_MS = 50;

/**
 * Two hundred runs at once, each into an environment of its own, by three workers over one: two commands that leave a line
 * each, and a wait between them. Then one of the three is killed in the middle.
 */
export const workers: Benchmark = {
  name: "workers",
  summary:
    "Runs a second by three workers over those of one, and how long a killed worker's runs wait for another.",
  limitMs: 420_000,
  async run(say, signal) {
    await using cleanUp = new AsyncDisposableStack();
    const bench = await open(cleanUp, say, signal);
    const perSecond: number[] = [];
    for (const count of [1, WORKERS]) {
      const started = await startWorkers(bench, count, signal);
      const tookMs = await carryOut(bench, signal);
      for (const worker of started) await terminate(worker, 10_000);
      perSecond.push(RUNS / (tookMs / 1000));
      say(`${RUNS} runs by ${count} worker${count === 1 ? "" : "s"}: ${(tookMs / 1000).toFixed(1)} s`);
    }
    const takeoverMs = await killOne(bench, say, signal);
    const [one, three] = perSecond as [number, number];
    return {
      ratios: { threeOverOne: rounded(three / one, 2) },
      figures: {
        runsPerSecondOfOne: rounded(one, 1),
        runsPerSecondOfThree: rounded(three, 1),
        takeoverMs: rounded(takeoverMs, 0),
        repeatedSteps: repeatedLines(bench),
      },
    };
  },
};

interface Bench {
  directory: string;
  environment: Record<string, string>;
  effects: string;
  projects: Tminus[];
  client: Client;
  started: ProcessIdentity[];
}

async function open(
  cleanUp: AsyncDisposableStack,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Bench> {
  const directory = await temporaryFolder(cleanUp);
  chmodSync(directory, 0o711); // the database server's own account passes
  say("making a state database and a project with an environment for each run");
  const url = await openStateDatabase(join(directory, "state"), cleanUp, signal);
  const server = createServer((_request, response) => response.end("v2"));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  cleanUp.defer(() => new Promise<void>((done) => server.close(() => done())));
  const effects = join(directory, "effects.log");
  writeFileSync(effects, "");
  const environment = {
    PATH: process.env.PATH ?? "",
    HOME: directory,
    TMINUS_DATABASE_URL: url,
    TMINUS_START_WORKER: "0",
  };
  const projects: Tminus[] = [];
  for (let index = 0; index < PROJECTS; index++) {
    const folder = join(directory, `p${index}`);
    mkdirSync(folder);
    const { port } = server.address() as AddressInfo;
    writeFileSync(join(folder, "tminus.yaml"), runbook(`p${index}`, port, effects));
    const tminus = await openTminus({ directory: folder, environment, log: () => undefined });
    cleanUp.defer(() => tminus.close());
    projects.push(tminus);
  }
  const client = await openClient(url);
  cleanUp.defer(() => client.end());
  const started: ProcessIdentity[] = [];
  cleanUp.defer(() => started.filter(isAlive).forEach((worker) => sendSignal(worker, "SIGKILL")));
  return { directory, environment, effects, projects, client, started };
}

function runbook(project: string, port: number, effects: string): string {
  const shell = (script: string) => JSON.stringify(["/bin/sh", "-c", script]);
  const leaveLine = (what: string) =>
    `run: ${shell(`echo "$TMINUS_RUN ${what}" >> ${effects}`)}, check: ${shell(`grep -qx "$TMINUS_RUN ${what}" ${effects} || exit 3`)}`;
  const target = `{ kind: command, deploy: [/bin/true], status: [/bin/echo, v2] }`;
  const environments = Array.from({ length: ENVIRONMENTS }, (_, index) => `e${index}`).map(
    (name) => `  ${name}: { url: "http://127.0.0.1:${port}", target: ${target} }\n`,
  );
  return `version: 1
project: ${project}
environments:
${environments.join("")}rollback: { automatic: false }
stages:
  - id: all
    steps:
      - { id: first, kind: command, with: { ${leaveLine("first")} } }
      - { id: pause, kind: wait, with: { for: 2s } }
      - { id: last, kind: command, with: { ${leaveLine("last")} } }
`;
}

async function startWorkers(bench: Bench, count: number, signal: AbortSignal): Promise<ProcessIdentity[]> {
  const made: ProcessIdentity[] = [];
  for (let index = 0; index < count; index++) {
    const worker = await spawnDetached(
      [process.execPath, MAIN, "worker", "--state", join(bench.directory, ".tminus")],
      {
        cwd: bench.directory,
        env: bench.environment,
        logFile: join(bench.directory, "worker.log"),
      },
    );
    made.push(worker);
    bench.started.push(worker);
  }
  await until(
    async () => (await countOf(bench.client, "select count(*) from tminus.worker")) === count,
    signal,
  );
  return made;
}

/** All runs at once; returns how long it took until the last one had ended, in ms. */
async function carryOut({ projects, client }: Bench, signal: AbortSignal): Promise<number> {
  const starts = await plansFor(projects, RUNS, signal);
  const startedMs = systemClock.monotonicMs();
  for (const start of starts) await start();
  await untilAllEnded(client, signal);
  return systemClock.monotonicMs() - startedMs;
}

/** What starts each run; the plans are made before. */
async function plansFor(
  projects: readonly Tminus[],
  count: number,
  signal: AbortSignal,
): Promise<(() => Promise<unknown>)[]> {
  const places = projects.flatMap((tminus) =>
    tminus.environments.map((environment) => ({ tminus, environment })),
  );
  const starts = [];
  for (const { tminus, environment } of places.slice(0, count)) {
    const request = {
      environment,
      release: "v2",
      purpose: "deploy",
      signal,
      progress: () => undefined,
    } as const;
    const plan = await tminus.plan(request);
    starts.push(() => tminus.start(plan, uncheckedActor("bench")));
  }
  return starts;
}

async function untilAllEnded(client: Client, signal: AbortSignal): Promise<void> {
  await until(
    async () => (await countOf(client, "select count(*) from tminus.run where ended_at is null")) === 0,
    signal,
  );
}

/** How long until all runs of a worker that was killed are somebody else's, in ms; they are carried out to their end. */
async function killOne(bench: Bench, say: (line: string) => void, signal: AbortSignal): Promise<number> {
  const { projects, client } = bench;
  const starts = await plansFor(projects, WHEN_KILLED, signal);
  const made = await startWorkers(bench, WORKERS, signal);
  for (const start of starts) await start();
  const holders =
    "select worker, count(*)::int as runs from tminus.environment_lease where run_id is not null group by worker";
  const held = "select count(*) from tminus.environment_lease where run_id is not null";
  await until(async () => (await countOf(client, held)) === WHEN_KILLED, signal);
  const { rows } = await client.query<{ worker: string; runs: number; pid: number }>(
    `select h.worker, h.runs, w.pid from (${holders}) h join tminus.worker w on w.id = h.worker order by runs desc limit 1`,
  );
  const { worker, runs, pid } = rows[0]!;
  const killed = made.find((one) => one.pid === pid)!;
  sendSignal(killed, "SIGKILL");
  const killedMs = systemClock.monotonicMs();
  await until(async () => (await countOf(client, `${held} and worker = '${worker}'`)) === 0, signal);
  const tookMs = systemClock.monotonicMs() - killedMs;
  say(
    `killed the worker of ${runs} of ${WHEN_KILLED} runs: all are another's after ${Math.round(tookMs)} ms`,
  );
  await untilAllEnded(client, signal);
  return tookMs;
}

/** Lines that are there more than once: each run leaves each line once. Throws when one is missing. */
function repeatedLines({ effects }: Bench): number {
  const lines = readFileSync(effects, "utf8").trim().split("\n");
  const different = new Set(lines).size;
  const expected = 2 * (2 * RUNS + WHEN_KILLED);
  if (different !== expected) throw new Error(`${different} of ${expected} lines are there`);
  return lines.length - different;
}

async function countOf(client: Client, sql: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(sql);
  return rows[0]!.count;
}

async function until(isSo: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  while (!(await isSo())) await systemClock.sleep(POLL_MS, signal);
}
