import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, writeFileSync } from "node:fs";
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
import { PEOPLE, seedHistory } from "./support/history-seed.ts";
import { openStateDatabase } from "./support/state-database.ts";
import { median, percentile, rounded } from "./support/statistics.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

const FEW = 1_000;
const MANY = 100_000;
const SAMPLES = 200;
/** Of what is no list, search or run. */
const OTHER_SAMPLES = 40;
const WARM_UP = 20;
const MAIN = resolve(import.meta.dirname, "../src/cli/main.ts");
const ENVIRONMENTS = ["staging", "qa", "production"];

/**
 * A thousand runs and a hundred thousand, each with its plan, events and attempts, asked for over the HTTP API of a server
 * process: lists, searches, and runs that are opened. The peer is the list's bare query, on a connection of this process.
 */
export const history: Benchmark = {
  name: "history",
  summary: "How long lists, searches and opening a run take with 1,000 and with 100,000 runs of history.",
  limitMs: 900_000,
  async run(say, signal) {
    await using cleanUp = new AsyncDisposableStack();
    const bench = await open(cleanUp, say, signal);
    const figures: Record<string, number> = {};
    const worst: number[] = [];
    let listOverBareQuery = 0;
    for (const [from, count] of [
      [MANY - FEW, FEW],
      [0, MANY],
    ] as const) {
      await seedHistory(
        bench.client,
        { from, to: from === 0 ? MANY - FEW : MANY, template: bench.template },
        say,
        signal,
      );
      await bench.client.query("vacuum (analyze)"); // as the server's own vacuum would, some time later
      say(`asking with ${count} runs`);
      const measured = await measure(bench, count, signal);
      for (const [name, ms] of Object.entries(measured.p95Ms))
        figures[`${name}P95MsAt${count}`] = rounded(ms, 1);
      const asked = Object.entries(measured.p95Ms).filter(([name]) => /^(list|search|open)/.test(name));
      worst.push(Math.max(...asked.map(([, ms]) => ms)));
      figures[`bareQueryP95MsAt${count}`] = rounded(measured.bareQueryP95Ms, 1);
      listOverBareQuery = measured.listOverBareQuery;
    }
    const [few, many] = worst as [number, number];
    return {
      ratios: { flatness: rounded(many / few, 2), listOverBareQuery: rounded(listOverBareQuery, 1) },
      figures: {
        p95MsAt1000: rounded(few, 1),
        p95MsAt100000: rounded(many, 1),
        ...(await sizes(bench.client)),
        ...figures,
      },
    };
  },
};

interface Bench {
  client: Client;
  /** The run that the history is made of. */
  template: string;
  /** Asks the API. Throws for what is no answer of 200. */
  get(path: string): Promise<unknown>;
}

async function open(
  cleanUp: AsyncDisposableStack,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Bench> {
  const directory = await temporaryFolder(cleanUp);
  chmodSync(directory, 0o711); // the database server's own account passes
  say("making a state database, and a run that the others are made of");
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
  return { client, template: run.id, get };
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

interface Measured {
  p95Ms: Record<string, number>;
  bareQueryP95Ms: number;
  listOverBareQuery: number;
}

/** What is asked for in turns, each from the API's own address on a connection that is kept. */
async function measure(bench: Bench, count: number, signal: AbortSignal): Promise<Measured> {
  const { client, get } = bench;
  const { rows: all } = await client.query<{ id: string; release: string }>(
    "select id, release from tminus.run where id <> $1 order by created_at desc",
    [bench.template],
  );
  const any = (): { id: string; release: string } => all[Math.floor(Math.random() * all.length)]!;
  const find = (text: string) => get(`/api/runs?search=${encodeURIComponent(text)}`);
  const asked: Record<string, () => Promise<unknown>> = {
    list: () => get("/api/runs"),
    listOfEnvironment: () => get("/api/runs?environment=production"),
    listDeep: () => get(`/api/runs?before=${any().id}`),
    listActive: () => get("/api/runs?state=active"),
    listRolledBack: () => get("/api/runs?outcome=rolled-back&environment=qa"),
    searchRelease: () => find(any().release),
    searchId: () => find(any().id.slice(0, -3)),
    searchPerson: () => find(PEOPLE[Math.floor(Math.random() * PEOPLE.length)]!),
    searchWhoLeft: () => find("olga.former"),
    searchReason: () => find("checkout errors"),
    searchMiss: () => find("never-deployed"),
    open: async () => {
      const { id } = any();
      await get(`/api/runs/${id}`);
      await get(`/api/runs/${id}/events`);
    },
  };
  const others: Record<string, () => Promise<unknown>> = {
    environments: () => get("/api/environments"),
    metrics: () => get("/metrics"),
    insights: () => get("/api/insights"),
  };
  const bare = (): Promise<unknown> => client.query(bareList);
  for (let turn = 0; turn < WARM_UP; turn++) for (const ask of Object.values(asked)) await ask();
  const found = (await find(any().release)) as RunPageResource;
  if (found.runs.length === 0) throw new Error("a release that is there was not found");
  const taken = new Map<string, number[]>();
  for (let turn = 0; turn < SAMPLES; turn++) {
    signal.throwIfAborted();
    for (const [name, ask] of Object.entries({ bare, ...asked, ...(turn < OTHER_SAMPLES ? others : {}) })) {
      const startedMs = systemClock.monotonicMs();
      await ask();
      taken.set(name, [...(taken.get(name) ?? []), systemClock.monotonicMs() - startedMs]);
    }
  }
  const { bare: bareMs, ...theirs } = Object.fromEntries(taken);
  if (count === all.length)
    return {
      p95Ms: Object.fromEntries(Object.entries(theirs).map(([name, ms]) => [name, percentile(ms, 95)])),
      bareQueryP95Ms: percentile(bareMs!, 95),
      listOverBareQuery: median(theirs.list!) / median(bareMs!),
    };
  throw new Error(`${all.length} of ${count} runs are there`);
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
