import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { isAlive, sendSignal } from "../../src/lib/process.ts";
import { findFollowUp, openFollowUp } from "../../src/store/follow-ups.ts";
import { openPool, type Pool } from "../../src/store/pool.ts";
import { CommandLine } from "../support/command-line.ts";
import { RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { eventually } from "../support/processes.ts";
import { ReleaseProject } from "../support/release-project.ts";

const ROOM = { timeout: 180_000 };

let project: ReleaseProject;
let pool: Pool;

beforeAll(async () => {
  project = await ReleaseProject.create({ stages: stage("go", RELEASE_STEPS) });
  pool = openPool(project.stateUrl, 3, () => undefined);
  const worker = await project.startWorker();
  const tminus = new CommandLine(project.directory, project.environment({ TMINUS_START_WORKER: "0" }));
  expect((await tminus.run("deploy", "--release", "v1")).exitCode).toBe(0);
  await tminus.close();
  sendSignal(worker, "SIGKILL");
  await eventually("the worker is dead", () => !isAlive(worker));
}, 120_000);
afterAll(async () => {
  await pool.end();
  await project.close();
});

async function openDue(origin: string): Promise<number> {
  const { id } = await openFollowUp(pool, {
    project: "crash",
    environment: "production",
    text: "look at the error rate",
    owner: "ann",
    dueAt: systemClock.now(),
    origin,
  });
  return id;
}

const deliveriesOf = (id: number): string[] =>
  project.deliveries.filter((key) => key.includes(`/t${id}/reminder/`));
const isReminded = async (id: number): Promise<boolean> =>
  (await findFollowUp(pool, "crash", id))?.remindedAt !== undefined;

describe("reminders of tasks", ROOM, () => {
  it("are sent once by several workers, and keep none of them alive", async () => {
    const ids = await Promise.all(["a", "b", "c"].map(openDue));
    const workers = await Promise.all([1, 2, 3].map(() => project.startWorker({}, ["--idle", "3s"])));
    await eventually("people were reminded of all", async () =>
      (await Promise.all(ids.map(isReminded))).every(Boolean),
    );
    await eventually("the workers end", () => workers.every((worker) => !isAlive(worker)));
    for (const id of ids) expect(deliveriesOf(id)).toEqual([`crash/t${id}/reminder/first:hook`]);
    expect((await findFollowUp(pool, "crash", ids[0]!))?.closed).toBeUndefined();
  });

  it("are sent again under the same key when a worker was killed before it could say that they were sent", async () => {
    const id = await openDue("killed");
    const dying = await project.startWorker({
      TMINUS_CRASH_LOG: project.crashLog,
      TMINUS_CRASH_ONLY: "notify.after-send",
    });
    await eventually("the worker is gone", () => !isAlive(dying));
    expect([deliveriesOf(id).length, await isReminded(id)]).toEqual([1, false]);

    const early = await project.startWorker({}, ["--idle", "2s"]);
    await eventually("the worker is gone", () => !isAlive(early));
    expect(deliveriesOf(id)).toHaveLength(1); // it is still the dead worker's
    await pool.query("update tminus.follow_up set reminding_until = clock_timestamp() where id = $1", [id]);
    const late = await project.startWorker({}, ["--idle", "3s"]);
    await eventually("people were reminded", () => isReminded(id));
    await eventually("the worker is gone", () => !isAlive(late));
    const key = `crash/t${id}/reminder/first:hook`;
    expect(deliveriesOf(id)).toEqual([key, key]);
  });
});
