import { afterEach, beforeEach, describe, expect, it } from "vitest";
import pg from "pg";
import { isAlive, sendSignal } from "../../src/lib/process.ts";
import { ReleaseProject } from "../support/release-project.ts";
import { eventually } from "../support/processes.ts";

let project: ReleaseProject;
let client: pg.Client;
beforeEach(async () => {
  const stages = "  - id: go\n    steps: [{ id: pause, kind: wait, with: { for: 10m } }]\n";
  project = await ReleaseProject.create({ stages });
  client = new pg.Client({ connectionString: project.environment().TMINUS_DATABASE_URL });
  client.on("error", () => undefined); // its database is dropped under it when a test failed
  await client.connect();
});
afterEach(async () => {
  await client.end();
  await project.close();
});

/** Of this database alone: other tests have workers of theirs on the same server. */
const PROOFS =
  "from pg_locks where locktype = 'advisory' and classid = 7461 and granted and database = (select oid from pg_database where datname = current_database())";

/** A worker that executes a run. */
async function busyWorker(): Promise<Awaited<ReturnType<ReleaseProject["startWorker"]>>> {
  const tminus = await project.open();
  try {
    const id = await project.start(tminus, "v1");
    const worker = await project.startWorker();
    await eventually("the run waits", async () => (await tminus.findRun(id)).waitingFor !== undefined);
    return worker;
  } finally {
    await tminus.close();
  }
}

describe("a worker's process", () => {
  it("ends when the connection that proves it alive is lost: others take it for dead", async () => {
    const worker = await busyWorker();
    await client.query(`select pg_terminate_backend(pid) ${PROOFS}`);
    await eventually("the process is gone", () => !isAlive(worker), 10_000);
    expect(project.workerLog()).toContain("STATE_UNAVAILABLE");
  });

  it("ends when it is asked to, and leaves its run to the next one", async () => {
    const worker = await busyWorker();
    sendSignal(worker, "SIGTERM");
    await eventually("the process is gone", () => !isAlive(worker), 10_000);
    await project.startWorker();
    const holder = "select worker, token from tminus.environment_lease";
    await eventually(
      "the next one has it",
      async () => (await client.query(holder)).rows[0].token > 1,
      10_000,
    );
  });

  it("goes on when only its other connections are lost", async () => {
    const worker = await busyWorker();
    await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tminus'
       and datname = current_database() and pid not in (select pid ${PROOFS})`,
    );
    const beat = "select heartbeat_at::text as at from tminus.environment_lease";
    const last = (await client.query(beat)).rows[0].at;
    await eventually("it beats again", async () => (await client.query(beat)).rows[0].at > last, 10_000);
    expect(isAlive(worker)).toBe(true);
  });
});
