import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { identify, isAlive, sendSignal, type ProcessIdentity } from "../../src/lib/process.ts";
import { clusterStatus } from "../../src/store/embedded/cluster-status.ts";
import { CommandLine } from "../support/command-line.ts";
import { effectStep, questionStep, RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { eventually } from "../support/processes.ts";
import { ReleaseProject, type ReleaseProjectOptions } from "../support/release-project.ts";

/** Many processes on a machine that others use too. */
const ROOM = { timeout: 120_000 };

/** Several workers on one Postgres, and what becomes of runs when a worker or Postgres itself goes away. */
const TWO_QUESTIONS = stage(
  "go",
  effectStep("a", "a-@run") +
    questionStep("one") +
    effectStep("b", "b-@run") +
    questionStep("two") +
    effectStep("c", "c-@run"),
);

let project: ReleaseProject;
let tminus: CommandLine;
afterEach(async () => {
  await tminus.close();
  await project.close();
});

async function open(options: ReleaseProjectOptions): Promise<void> {
  project = await ReleaseProject.create(options);
  const environment = project.environment(options.embedded === true ? {} : { TMINUS_START_WORKER: "0" });
  tminus = new CommandLine(project.directory, environment);
}

/** Starts a run without watching it; returns its id. */
async function start(release: string, ...args: string[]): Promise<string> {
  const { exitCode, value } = await tminus.json<{ run: { id: string } }>(
    "deploy",
    "--release",
    release,
    "--detach",
    ...args,
  );
  expect(exitCode).toBe(0);
  return value.run.id;
}

async function exitOf(...args: string[]): Promise<number | undefined> {
  return (await tminus.run(...args)).exitCode;
}

async function untilWaitingFor(id: string, stepId: string): Promise<void> {
  await eventually(`run ${id} waits at ${stepId}`, async () => {
    const sql = `select waiting_for ->> 'stepId' as step from tminus.run where id = '${id}'`;
    const [row] = await project.query<{ step: string | null }>(sql, project.stateUrl);
    return row?.step === stepId;
  });
}

/** The worker that executes the run. */
async function workerOf(id: string): Promise<{ name: string; identity: ProcessIdentity }> {
  const sql = `select environment_lease.worker, pid from tminus.environment_lease join tminus.worker on worker.id = environment_lease.worker where run_id = '${id}'`;
  const [row] = await project.query<{ worker: string; pid: number }>(sql, project.stateUrl);
  return { name: row!.worker, identity: identify(row!.pid)! };
}

async function eventTypes(id: string): Promise<string[]> {
  const sql = `select type from tminus.event where run_id = '${id}' order by sequence`;
  return (await project.query<{ type: string }>(sql, project.stateUrl)).map(({ type }) => type);
}

describe("three workers on one Postgres", ROOM, () => {
  it("all come up on an empty database at once, and do each step of every run exactly once", async () => {
    const environments = ["red", "green", "blue"];
    await open({
      environments,
      stages: stage("go", effectStep("a", "a-@run") + RELEASE_STEPS + effectStep("b", "b-@run")),
    });
    await Promise.all([project.startWorker(), project.startWorker(), project.startWorker()]);
    const ids: string[] = [];
    for (const release of ["v1", "v2"]) {
      const started = await Promise.all(environments.map((name) => start(release, `--env=${name}`)));
      const waits = started.map((id) => exitOf("wait", id, "--for", "succeeded"));
      expect(await Promise.all(waits), project.workerLog()).toEqual([0, 0, 0]);
      ids.push(...started);
    }

    const own = project.effectLines().filter((line) => line.startsWith("did "));
    expect(own.toSorted()).toEqual(ids.flatMap((id) => [`did a-${id}`, `did b-${id}`]).toSorted());
    expect(project.effectLines().filter((line) => line.startsWith("started "))).toHaveLength(6);
    const workers = await project.query<{ pid: number }>("select pid from tminus.worker", project.stateUrl);
    expect(workers.filter(({ pid }) => identify(pid) !== undefined)).toHaveLength(3);
  });

  it("go on with the runs of one that is killed", async () => {
    await open({ environments: ["red", "green"], stages: TWO_QUESTIONS });
    await Promise.all([project.startWorker(), project.startWorker(), project.startWorker()]);
    const ids = [await start("v1", "--env=red"), await start("v1", "--env=green")];
    for (const id of ids) await untilWaitingFor(id, "one");
    const dead = await workerOf(ids[0]!);
    sendSignal(dead.identity, "SIGKILL");
    for (const id of ids) expect(await exitOf("ack", "one", id)).toBe(0);
    for (const id of ids) {
      await untilWaitingFor(id, "two");
      expect((await workerOf(id)).name).not.toBe(dead.name);
      expect(await exitOf("ack", "two", id)).toBe(0);
      expect(await exitOf("wait", id, "--for", "succeeded")).toBe(0);
    }
    expect(project.effectLines().toSorted()).toEqual(
      ids.flatMap((id) => [`did a-${id}`, `did b-${id}`, `did c-${id}`]).toSorted(),
    );
  });

  it("keep one that slept through a takeover from writing or doing anything more", async () => {
    await open({ stages: TWO_QUESTIONS });
    await Promise.all([project.startWorker(), project.startWorker()]);
    const id = await start("v1");
    await untilWaitingFor(id, "one");
    const stale = await workerOf(id);
    sendSignal(stale.identity, "SIGSTOP");
    // Only the session that proves its life: with the others it can still try to write.
    await project.query(
      `select pg_terminate_backend(l.pid) from pg_locks l join tminus.worker w on l.objid = w.lock_key::int::oid
       where l.locktype = 'advisory' and l.database = (select oid from pg_database where datname = current_database())
       and l.granted and w.id = '${stale.name}'`,
      project.stateUrl,
    );
    await eventually("the run is taken over", async () => {
      const types = await eventTypes(id);
      return types.filter((type) => type === "run.taken").length === 2;
    });
    expect((await workerOf(id)).name).not.toBe(stale.name);
    expect(await exitOf("ack", "one", id)).toBe(0);
    await untilWaitingFor(id, "two");
    const before = await eventTypes(id);

    sendSignal(stale.identity, "SIGCONT");
    await eventually("the stale worker is gone", () => !isAlive(stale.identity));
    expect(await eventTypes(id)).toEqual(before);
    expect(project.effectLines()).toEqual([`did a-${id}`, `did b-${id}`]);

    expect(await exitOf("ack", "two", id)).toBe(0);
    expect(await exitOf("wait", id, "--for", "succeeded")).toBe(0);
    expect(project.effectLines()).toEqual([`did a-${id}`, `did b-${id}`, `did c-${id}`]);
    const tokens = await project.query<{ token: number; steps: string }>(
      `select token::int, string_agg(step_id || ' ' || state, ', ' order by begun_at) as steps
       from tminus.attempt group by token order by token`,
      project.stateUrl,
    );
    expect(tokens).toEqual([
      { token: 1, steps: "a done, one begun" },
      { token: 2, steps: "one done, b done, two done, c done" },
    ]);
  });
});

describe("the embedded Postgres, killed in the middle of a run", ROOM, () => {
  it("is started again by the next command, and the run goes on to its end", async () => {
    await open({ embedded: true, stages: TWO_QUESTIONS });
    const watching = tminus.start("deploy", "--release", "v1");
    const [, id = ""] = await watching.until(/run (\w+) created/);
    await watching.until(/waiting: one/);
    const status = await clusterStatus(join(project.directory, ".tminus", "postgres"));
    if (typeof status !== "object") throw new Error("the embedded server does not run");
    sendSignal(identify(status.pid)!, "SIGKILL");

    expect(await exitOf("ack", "one", id)).toBe(0);
    const again = tminus.start("watch", id);
    await again.until(/waiting: two/);
    expect(await exitOf("ack", "two", id)).toBe(0);
    const log = (): string => readFileSync(join(project.directory, ".tminus", "worker.log"), "utf8");
    expect((await again.within(40_000)).exitCode, log()).toBe(0);
    expect(project.effectLines()).toEqual([`did a-${id}`, `did b-${id}`, `did c-${id}`]);
    const { value } = await tminus.json<{ environments: { active: object[]; lease?: object }[] }>("status");
    expect(value.environments[0]).toMatchObject({ active: [] });
    expect(value.environments[0]).not.toHaveProperty("lease");
  });
});
