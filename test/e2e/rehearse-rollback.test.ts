import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { request } from "../../src/lib/http.ts";
import { isAlive, terminate, type ProcessIdentity } from "../../src/lib/process.ts";
import { uncheckedActor } from "../../src/model/actor.ts";
import type { GateResult } from "../../src/model/plan.ts";
import type { Attempt, Run } from "../../src/model/run.ts";
import type { Tminus } from "../../src/model/tminus.ts";
import { RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";

/** Many processes on a machine that others use too. */
const ROOM = { timeout: 180_000 };

const MIGRATE =
  '      - { id: migrate, kind: db.migrate, with: { directory: "releases/{release}/migrations" } }\n';
const REHEARSE = `  - id: rehearsal
    environments: [staging]
    steps:
      - { id: rehearse, kind: app.rehearse-rollback, with: { checks: [{ id: work, path: /work }] } }
`;
/** A rename is what no release before bears; that it does is left to the rehearsal to find. */
const RENAME = `-- tminus: up
-- tminus: allow breaks-running-release nobody uses staging meanwhile
alter table done_first rename column at to moment;
-- tminus: down
alter table done_first rename column moment to at;
`;

let project: ReleaseProject;
let tminus: Tminus;

beforeAll(async () => {
  project = await ReleaseProject.create({
    environments: ["staging", "production"],
    app: "reading.mjs",
    variables: { DATABASE_URL: "env:APP_DATABASE_URL" },
    gates:
      "  - { id: staged, kind: staging.verified, environments: [production], with: { rehearsed: true, maxAge: 7d } }\n",
    stages: stage("go", MIGRATE + RELEASE_STEPS) + REHEARSE,
  });
  const releases = join(project.directory, "releases");
  cpSync(join(releases, "v2"), join(releases, "v3"), { recursive: true });
  writeFileSync(join(releases, "v3/migrations/20260103000000_rename.sql"), RENAME);
  tminus = await project.open();
}, 60_000);
afterAll(async () => {
  await tminus.close();
  await project.close();
});

const planOf = (environment: string, release: string) =>
  tminus.plan({
    environment,
    release,
    purpose: "deploy",
    signal: AbortSignal.timeout(30_000),
    progress: () => undefined,
  });

async function gate(release: string): Promise<GateResult | undefined> {
  return (await planOf("production", release)).gates[0];
}

/** To the end of its run, with a worker that is started again whenever it was killed; returns how often. */
async function deploy(
  environment: string,
  release: string,
  extra: Record<string, string> = {},
): Promise<{ run: Run; kills: number }> {
  const plan = await planOf(environment, release);
  expect(plan.blocked).toEqual([]);
  const { id } = await tminus.start(plan, uncheckedActor("mia"));
  let worker: ProcessIdentity = await project.startWorker(extra);
  let kills = 0;
  for (;;) {
    const run = await tminus.findRun(id);
    if (run.state === "ended") {
      await terminate(worker, 5_000);
      return { run, kills };
    }
    expect(run.waitingFor?.for, run.waitingFor?.text).not.toBe("decision");
    if (!isAlive(worker)) {
      kills++;
      worker = await project.startWorker(extra);
    }
    await systemClock.sleep(20);
  }
}

async function rehearsals(run: Run): Promise<Attempt[]> {
  return (await tminus.attempts(run.id)).filter(
    ({ stepId, phase }) => stepId === "rehearse" && phase === "act",
  );
}

async function liveOn(environment: string): Promise<string> {
  const url = `http://127.0.0.1:${project.portOf(environment)}/`;
  const answer = await request({ url, method: "GET", timeoutMs: 5_000, fresh: true });
  return answer.kind === "response" ? answer.body : answer.kind;
}

describe("a rollback that is rehearsed on staging", ROOM, () => {
  it("does not count for a first release, which has nothing to go back to", async () => {
    const { run } = await deploy("staging", "v1");
    expect(run, project.workerLog()).toMatchObject({ outcome: "succeeded" });
    expect((await rehearsals(run)).at(-1)).toMatchObject({
      state: "done",
      result: { rehearsed: false, verdict: "unknown" },
    });
    expect(await gate("v1")).toMatchObject({
      verdict: "pass",
      reason: expect.stringContaining("production has no earlier release to go back to") as unknown,
    });
    expect((await deploy("production", "v1")).run).toMatchObject({ outcome: "succeeded" });
  });

  it("lets the release into production, also when its worker was killed at every shift of traffic", async () => {
    expect(await gate("v2")).toMatchObject({ verdict: "fail", reason: "v2 was never deployed to staging" });
    const { run, kills } = await deploy("staging", "v2", {
      TMINUS_CRASH_LOG: project.crashLog,
      TMINUS_CRASH_ONLY: "target.before-shift,target.after-shift",
    });
    expect(run, project.workerLog()).toMatchObject({ outcome: "succeeded" });
    expect(project.crashLines()).toEqual([
      "target.before-shift v2=100",
      "target.after-shift v2=100",
      "target.before-shift v1=100",
      "target.after-shift v1=100",
    ]);
    expect(kills).toBe(4);
    expect(await liveOn("staging")).toBe("v2");
    const [last] = (await rehearsals(run)).slice(-1);
    expect(last).toMatchObject({
      state: "done",
      result: {
        rehearsed: true,
        from: "v2",
        to: "v1",
        deployedMs: expect.any(Number) as unknown,
        rolledBackMs: expect.any(Number) as unknown,
        smokedOld: { passed: 1 },
        rolledForwardMs: expect.any(Number) as unknown,
      },
    });
    expect(await gate("v2")).toMatchObject({
      verdict: "pass",
      reason: expect.stringContaining(`rollback to v1 rehearsed on staging: `) as unknown,
      evidence: { rehearsal: { run: run.id, from: "v2", to: "v1" } },
    });
    expect((await deploy("production", "v2")).run).toMatchObject({ outcome: "succeeded" });
  });

  it("fails, and keeps the release out of production, when a migration breaks the release before", async () => {
    const { run } = await deploy("staging", "v3");
    expect(run).toMatchObject({
      outcome: "rolled-back",
      verdict: {
        stepId: "rehearse",
        reason: expect.stringContaining(
          "rolling back to v2 after these migrations would break: 1 of 1 checks failed: work answered 500, expected 200; traffic is v3 100 %",
        ) as unknown,
      },
    });
    expect((await rehearsals(run)).at(-1)).toMatchObject({ state: "failed", result: { verdict: "fail" } });
    expect(await gate("v3")).toMatchObject({ verdict: "fail" });
  });
});
