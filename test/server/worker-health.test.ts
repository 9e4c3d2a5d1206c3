import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import pg from "pg";
import { afterEach, beforeEach, expect, it } from "vitest";
import { effectStep, stage } from "../support/effect-steps.ts";
import { CommandLine } from "../support/command-line.ts";
import { eventually } from "../support/processes.ts";
import { ReleaseProject } from "../support/release-project.ts";
import { rawRequest, type RawAnswer } from "./support/raw-request.ts";

let project: ReleaseProject;
let line: CommandLine;
beforeEach(async () => {
  project = await ReleaseProject.create({ stages: stage("go", effectStep("a")) });
  line = new CommandLine(project.directory, project.environment());
}, 60_000);
afterEach(async () => {
  await line.close();
  await project.close();
}, 60_000);

const ROOM = { timeout: 120_000 };
const WORKER = ["server", "--role", "worker", "--health-port"];
/** That a worker lives, in this database. */
const PROOF =
  "select 1 from pg_locks where locktype = 'advisory' and classid = 7461 and granted and database = (select oid from pg_database where datname = current_database())";

it("tells a supervisor of a worker of its own whether it is well, and nothing else", ROOM, async () => {
  const worker = line.start(...WORKER, "0");
  const [, url] = await worker.until(/health at (http:\S+)\/healthz/);
  const ask = (path: string) => rawRequest(url!, { path });
  expect(await ask("/healthz")).toMatchObject({ status: 200, text: "alive\n" });
  expect(await ask("/readyz")).toMatchObject({ status: 200, text: "ready\n" });
  for (const path of ["/", "/api/session", "/metrics"]) expect((await ask(path)).status).toBe(404);
  worker.kill("SIGTERM");
  expect((await worker.within(30_000)).exitCode).toBe(0);
});

it("says until a worker that was told to end has ended that it is alive, and not ready", ROOM, async () => {
  const worker = line.start(...WORKER, "0");
  const [, url] = await worker.until(/health at (http:\S+)\/healthz/);
  const ask = (path: string): Promise<RawAnswer> => rawRequest(url!, { path });
  const holder = new pg.Client({ connectionString: project.stateUrl });
  await holder.connect();
  const waiting = "select 1 from pg_locks where relation = 'tminus.run'::regclass and not granted";
  try {
    await eventually("it works", async () => (await holder.query(PROOF)).rowCount === 1, 30_000);
    // It cannot end while its look for runs waits for the table.
    await holder.query("begin; lock table tminus.run in access exclusive mode");
    await eventually("it looks for runs", async () => (await holder.query(waiting)).rowCount! > 0, 30_000);
    worker.kill("SIGTERM");
    await eventually("it is not ready", async () => (await ask("/readyz")).text === "ending\n", 30_000);
    expect((await ask("/readyz")).status).toBe(503);
    expect(await ask("/healthz")).toMatchObject({ status: 200, text: "alive\n" });
  } finally {
    await holder.end();
  }
  expect((await worker.within(30_000)).exitCode).toBe(0);
  await expect(ask("/healthz")).rejects.toThrow("ECONNREFUSED");
});

it("ends when it cannot listen, and names the option that says where", ROOM, async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  try {
    const { port } = other.address() as AddressInfo;
    const { exitCode, stderr } = await line.run(...WORKER, String(port));
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("another port with --health-port")]);
  } finally {
    await new Promise((done) => other.close(done));
  }
});

it("has no health of its own beside the API", ROOM, async () => {
  const { exitCode, stderr } = await line.run("server", "--health-port", "0");
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining("--health-port is for --role worker")]);
});
