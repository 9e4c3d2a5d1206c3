import { afterEach, describe, expect, it } from "vitest";
import { request } from "../../src/lib/http.ts";
import { terminate } from "../../src/lib/process.ts";
import { crashPoints } from "../../src/lib/crash-point.ts";
import type { Run } from "../../src/model/run.ts";
import { ReleaseProject } from "../support/release-project.ts";

/**
 * Drives full runs through SIGKILL at every named point, at every step that passes it: each incarnation of
 * the worker dies at the first point where none has died before. Real processes, real Postgres, real traffic.
 */
let project: ReleaseProject;
afterEach(() => project.close());

const MINUTES = 60_000;

const NOTE = (what: string, effect: string): string =>
  JSON.stringify(["node", "-e", `require("fs").appendFileSync(process.env.EFFECTS, "${what} ${effect}\\n")`]);
const CHECK = (effect: string): string =>
  JSON.stringify([
    "node",
    "-e",
    `const lines = require("fs").readFileSync(process.env.EFFECTS, "utf8").split("\\n").filter((line) => line.endsWith(" ${effect}")); process.exit(lines.at(-1) === "did ${effect}" ? 0 : 3)`,
  ]);
const COMMAND = (id: string): string =>
  `      - { id: ${id}, kind: command, with: { run: ${NOTE("did", `${id}-{release}`)}, undo: ${NOTE("undid", `${id}-{release}`)}, check: ${CHECK(`${id}-{release}`)} } }`;

const RELEASE = `  - id: prepare
    steps:
${COMMAND("first")}
      - { id: migrate, kind: db.migrate, with: { directory: "releases/{release}/migrations" } }
      - { id: tell, kind: notify, with: { channels: [hook], title: "{release}", text: going out } }
  - id: go
    steps:
      - { id: deploy, kind: app.deploy }
      - { id: half, kind: app.shift, with: { percent: 50 } }
      - { id: pause, kind: wait, with: { for: 100ms } }
      - { id: all, kind: app.shift, with: { percent: 100 } }
      - { id: smoke, kind: smoke, with: { checks: [{ id: up, path: /health, expect: { status: 200 } }] } }
`;
const FAILING = `${RELEASE}      - { id: last, kind: command, with: { run: [node, -e, "process.exit(1)"], repeatable: true } }
`;

async function deployUnhurt(release: string): Promise<void> {
  const tminus = await project.open();
  const worker = await project.startWorker();
  try {
    const id = await project.start(tminus, release);
    for await (const event of tminus.follow(id, 0, AbortSignal.timeout(MINUTES))) {
      if (event.type === "run.ended") expect(event.data.outcome).toBe("succeeded");
    }
  } finally {
    await tminus.close();
    await terminate(worker, 5_000);
  }
}

async function deployThroughCrashes(release: string): Promise<Run> {
  const tminus = await project.open();
  try {
    const id = await project.start(tminus, release);
    await project.surviveCrashes(async () => {
      const { state, waitingFor } = await tminus.findRun(id);
      expect(waitingFor?.for, waitingFor?.text).not.toBe("decision");
      return state === "ended";
    });
    expect(await tminus.lease("production")).toBeUndefined();
    return await tminus.findRun(id);
  } finally {
    await tminus.close();
  }
}

async function liveRelease(): Promise<string> {
  const answer = await request({
    url: `http://127.0.0.1:${project.port}/`,
    method: "GET",
    timeoutMs: 5_000,
    fresh: true,
  });
  return answer.kind === "response" ? answer.body : answer.kind;
}

/** Which of the named points killed a worker, and how many kills there were, for the reader of the test's output. */
function killedPoints(): Set<string> {
  const lines = project.crashLines();
  const points = new Set(lines.map((line) => line.split(" ")[0]!));
  process.stdout.write(`${points.size} of ${crashPoints.length} named points, ${lines.length} kills\n`);
  expect(project.kills).toBe(lines.length);
  return points;
}

describe("a run whose worker is killed at every point", () => {
  it(
    "succeeds, with every effect exactly once and the environment free",
    { timeout: 10 * MINUTES },
    async () => {
      project = await ReleaseProject.create({ stages: RELEASE });
      const run = await deployThroughCrashes("v2");
      expect(run, project.workerLog()).toMatchObject({
        outcome: "succeeded",
        endState: { verdict: "verified", release: "v2" },
      });
      const points = killedPoints();
      const forward = crashPoints.filter(
        (point) => !/^undo\.|^run\.(before|after)-(verdict|cure)|retire/.test(point),
      );
      expect(forward.filter((point) => !points.has(point))).toEqual([]);

      expect(project.effectLines()).toEqual(["did first-v2", "started v2"]);
      expect(
        await project.query(
          "select (select count(*)::int from done_first) as one, (select count(*)::int from done_second) as two",
        ),
      ).toEqual([{ one: 1, two: 1 }]);
      expect(new Set(project.deliveries).size).toBe(1);
      expect(await liveRelease()).toBe("v2");
    },
  );

  it(
    "is rolled back completely when its last step fails, with nothing undone twice",
    { timeout: 10 * MINUTES },
    async () => {
      project = await ReleaseProject.create({
        stages: FAILING,
        rollback: "{ database: down, cure: { window: 200ms, minRequests: 0 } }",
      });
      project.useStages(RELEASE);
      await deployUnhurt("v1");
      project.useStages(FAILING);
      const run = await deployThroughCrashes("v2");
      expect(run, project.workerLog()).toMatchObject({
        outcome: "rolled-back",
        verdict: { decision: "roll-back", stepId: "last" },
        endState: { verdict: "verified", release: "v1" },
      });
      const points = killedPoints();
      expect(crashPoints.filter((point) => !points.has(point))).toEqual([]);

      expect(project.effectLines()).toEqual([
        "did first-v1",
        "started v1",
        "did first-v2",
        "started v2",
        "undid first-v2",
      ]);
      const [tables] = await project.query(
        "select to_regclass('done_first') is null as one, to_regclass('done_second') is null as two",
      );
      expect(tables).toEqual({ one: false, two: true });
      expect(await liveRelease()).toBe("v1");
      expect(
        await project.query("select run_id, release, step_id from tminus.environment_lock", project.stateUrl),
      ).toEqual([{ run_id: run.id, release: "v2", step_id: "last" }]);
    },
  );
});
