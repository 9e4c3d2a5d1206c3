import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { openTminus } from "../src/compose.ts";
import { systemClock } from "../src/lib/clock.ts";
import { uncheckedActor } from "../src/model/actor.ts";
import type { RunPageResource } from "../src/server/contract/run.ts";
import { openClient, type Client } from "../src/store/pool.ts";
import type { Benchmark } from "./benchmark.ts";
import { PEOPLE, seedHistory, WHO_LEFT } from "./support/history-seed.ts";
import { openStateDatabase } from "./support/state-database.ts";
import { median, percentile, rounded } from "./support/statistics.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

const FEW = 1_000;
const MANY = 100_000;
const SAMPLES = 200;
const OTHERS = ["environments", "metrics", "insights"];
const OTHER_SAMPLES = 40;
const WARM_UP = 20;
const MAIN = resolve(import.meta.dirname, "../src/cli/main.ts");
const ENVIRONMENTS = ["staging", "qa", "production"];

/**
 * A thousand runs in one database and a hundred thousand in another, each with its plan, events and attempts, asked for in turns
 * over the HTTP APIs of two server processes: lists, searches, and runs that are opened. The peer is the list's bare query, on
 * a connection of this process.
 */
export const history: Benchmark = {
  name: "history",
  summary: "How long lists, searches and opening a run take with 1,000 and with 100,000 runs of history.",
  limitMs: 900_000,
  async run(say, signal) {
    await using cleanUp = new AsyncDisposableStack();
    const directory = await temporaryFolder(cleanUp);
    chmodSync(directory, 0o711); // the database server's own account passes
    const many = await open(join(directory, "many"), MANY, cleanUp, say, signal);
    const few = await open(join(directory, "few"), FEW, cleanUp, say, signal);
    say("asking both in turns");
    const taken = await measure([few, many], signal);
    const p95 = (bench: Bench, name: string): number => percentile(taken.get(bench.count + name)!, 95);
    const worst = (bench: Bench): number =>
      Math.max(...Object.keys(goals(bench)).map((name) => p95(bench, name)));
    const medianOf = (name: string): number => median(taken.get(many.count + name)!);
    const figures: Record<string, number> = {};
    for (const bench of [few, many])
      for (const name of Object.keys(asked(bench)))
        figures[`${name}P95MsAt${bench.count}`] = rounded(p95(bench, name), 1);
    return {
      ratios: {
        flatness: rounded(worst(many) / worst(few), 2),
        listOverBareQuery: rounded(medianOf("list") / medianOf("bareQuery"), 1),
      },
      figures: {
        p95MsAt1000: rounded(worst(few), 1),
        p95MsAt100000: rounded(worst(many), 1),
        ...(await sizes(many.client)),
        ...figures,
      },
    };
  },
};

interface Bench {
  count: number;
  client: Client;
  runs: { id: string; release: string }[];
  /** Asks the API. Throws for what is no answer of 200. */
  get(path: string): Promise<unknown>;
}

/** A state with so many runs, and a server over it. */
async function open(
  directory: string,
  count: number,
  cleanUp: AsyncDisposableStack,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Bench> {
  say(`making a state database with ${count} runs`);
  mkdirSync(directory, { mode: 0o711 });
  const url = await openStateDatabase(join(directory, "state"), cleanUp, signal);
  const application = createServer((_request, response) => response.end("release-of-the-run"));
  await new Promise<void>((done) => application.listen(0, "127.0.0.1", done));
  cleanUp.defer(() => new Promise<void>((done) => application.close(() => done())));
  writeFileSync(join(directory, "tminus.yaml"), runbook((application.address() as AddressInfo).port));
  const environment = {
    PATH: process.env.PATH ?? "",
    HOME: directory,
    TMINUS_DATABASE_URL: url,
    TMINUS_START_WORKER: "0",
  };
  const tminus = await openTminus({ directory, environment, log: () => undefined });
  cleanUp.defer(() => tminus.close());
  const bench = uncheckedActor("bench");
  const reader = { name: "reader", emails: [], roles: [] };
  const plan = await tminus.plan({
    environment: "staging",
    release: "release-of-the-run",
    purpose: "deploy",
    signal,
    progress: () => undefined,
  });
  const run = await tminus.start(plan, bench);
  const { token } = await tminus.people.addUser({ ...reader, roles: ["admin"] }, { token: true }, bench);
  const address = await startServer(directory, environment, cleanUp, "--role", "all");
  const client = await openClient(url);
  cleanUp.defer(() => client.end());
  const headers = { authorization: `Bearer ${token!.secret.reveal()}` };
  const get = async (path: string): Promise<unknown> => {
    const answer = await fetch(`${address}${path}`, { headers, signal });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${path} was answered with ${answer.status}: ${text}`);
    return answer.headers.get("content-type")?.startsWith("application/json") === true
      ? JSON.parse(text)
      : text;
  };
  while ((await tminus.findRun(run.id)).state !== "ended") await systemClock.sleep(200, signal);
  await seedHistory(client, { from: MANY - count, to: MANY, template: run.id }, say, signal);
  await client.query("vacuum (analyze)"); // as the server's own vacuum would, some time later
  const { rows } = await client.query<{ id: string; release: string }>(
    "select id, release from tminus.run where id <> $1 order by created_at desc",
    [run.id],
  );
  if (rows.length !== count) throw new Error(`${rows.length} of ${count} runs are there`);
  return { count, client, runs: rows, get };
}

/** A server as people start it. Returns its address. */
async function startServer(
  directory: string,
  environment: Record<string, string>,
  cleanUp: AsyncDisposableStack,
  ...args: string[]
): Promise<string> {
  const server = spawn(
    process.execPath,
    [MAIN, "server", "--port", "0", "--no-console", "--requests-per-minute", "100000", ...args],
    { cwd: directory, env: environment, stdio: ["ignore", "pipe", "inherit"] },
  );
  cleanUp.defer(async () => {
    if (server.exitCode !== null || !server.kill("SIGTERM")) return;
    await once(server, "exit");
  });
  for await (const line of createInterface(server.stdout)) {
    const address = /listening on (\S+)/.exec(line)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error("the server ended before it listened");
}

function runbook(port: number): string {
  const target = "{ kind: command, deploy: [/bin/true], status: [/bin/echo, release-of-the-run] }";
  const step = (id: string, title: string): string =>
    `      - { id: ${id}, title: "${title}", kind: command, with: { run: [/bin/echo, "${title}"], repeatable: true } }\n`;
  return `version: 1
project: shop
environments:
${ENVIRONMENTS.map((name) => `  ${name}: { url: "http://127.0.0.1:${port}", target: ${target} }\n`).join("")}rollback: { automatic: false }
stages:
  - id: before
    title: Before anybody sees it
    success: ["Nothing that customers see has changed", "The release answers beside the old one"]
    steps:
${step("announce", "Tell support that a release begins")}${step("warm-up", "Fill the caches of the new release")}${step("archive", "Keep the artefacts of the release before")}  - id: release
    title: The release
    risk: medium
    success: ["Errors stay below 2 %", "At most 5 % of the answers take longer than a second"]
    steps:
${step("queue-pause", "Let the queue of jobs run dry")}${step("switch", "Send customers to the new release")}${step("queue-resume", "Let jobs run again")}${step("purge", "Empty the content delivery network")}  - id: after
    title: Afterwards
    steps:
${step("tag", "Tag the commit that is live")}${step("tell", "Tell support that the release is live")}
`;
}

type Questions = Record<string, () => Promise<unknown>>;

/** What has to be as fast with many runs as with few. */
function goals({ get, runs }: Bench): Questions {
  const any = () => runs[Math.floor(Math.random() * runs.length)]!;
  const find = (text: string) => get(`/api/runs?search=${encodeURIComponent(text)}`);
  return {
    list: () => get("/api/runs"),
    listOfEnvironment: () => get("/api/runs?environment=production"),
    listDeep: () => get(`/api/runs?before=${any().id}`),
    listActive: () => get("/api/runs?state=active"),
    listRolledBack: () => get("/api/runs?outcome=rolled-back&environment=qa"),
    searchRelease: () => find(any().release),
    searchId: () => find(any().id.slice(0, -3)),
    searchPerson: () => find(PEOPLE[Math.floor(Math.random() * PEOPLE.length)]!),
    searchWhoLeft: () => find(WHO_LEFT),
    searchReason: () => find("checkout errors"),
    searchMiss: () => find("never-deployed"),
    open: async () => {
      const { id } = any();
      await get(`/api/runs/${id}`);
      await get(`/api/runs/${id}/events`);
    },
  };
}

/** And what is measured beside it. */
function asked(bench: Bench): Questions {
  const { client, get } = bench;
  return {
    bareQuery: () => client.query(bareList),
    ...goals(bench),
    environments: () => get("/api/environments"),
    metrics: () => get("/metrics"),
    insights: () => get("/api/insights"),
  };
}

/** How long each took, in ms, by the number of runs and the name. */
async function measure(benches: readonly Bench[], signal: AbortSignal): Promise<Map<string, number[]>> {
  const taken = new Map<string, number[]>();
  const questions = benches.map((bench) => ({ bench, all: asked(bench) }));
  for (const { bench, all } of questions) {
    const found = (await bench.get(`/api/runs?search=${bench.runs[0]!.release}`)) as RunPageResource;
    if (found.runs.length === 0) throw new Error("a release that is there was not found");
    for (const name of Object.keys(all)) taken.set(bench.count + name, []);
  }
  for (let turn = -WARM_UP; turn < SAMPLES; turn++) {
    signal.throwIfAborted();
    for (const name of Object.keys(questions[0]!.all)) {
      if (turn >= OTHER_SAMPLES && OTHERS.includes(name)) continue;
      for (const { bench, all } of questions) {
        const startedMs = systemClock.monotonicMs();
        await all[name]!();
        if (turn >= 0) taken.get(bench.count + name)!.push(systemClock.monotonicMs() - startedMs);
      }
    }
  }
  return taken;
}

/** What a list cannot do without: its fifty newest rows, through the index. */
const bareList =
  "select id, environment, release, state, outcome, created_at, created_by from tminus.run where project = 'shop' order by created_at desc, id desc limit 50";

async function sizes(client: Client): Promise<Record<string, number>> {
  const { rows } = await client.query<Record<string, number>>(
    `select round(avg(length(plan)))::int as "planBytes",
       (select round(count(*) / (select count(*) from tminus.run)::numeric)::int from tminus.event) as "eventsPerRun",
       round(pg_database_size(current_database()) / 1e6)::int as "databaseMB"
     from tminus.run`,
  );
  return rows[0]!;
}
