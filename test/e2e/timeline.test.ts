import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sendSignal, type ProcessIdentity } from "../../src/lib/process.ts";
import { CommandLine } from "../support/command-line.ts";
import { effectStep, RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";

const ROOM = { timeout: 180_000 };

let project: ReleaseProject;
let tminus: CommandLine;
let worker: ProcessIdentity;

beforeAll(async () => {
  const before = effectStep("before").replace("kind: command", "kind: command, at: T-10s");
  project = await ReleaseProject.create({ stages: stage("go", before + RELEASE_STEPS) });
  worker = await project.startWorker();
  const environment = project.environment({ TMINUS_START_WORKER: "0", TMINUS_ACTOR: "mia" });
  tminus = new CommandLine(project.directory, environment);
}, 120_000);
afterAll(async () => {
  await tminus.close();
  await project.close();
});

interface Printed {
  error: { code: string; message: string; hint: string };
  plan: { scheduled?: { zeroAt: string } };
  run: {
    id: string;
    state: string;
    outcome?: string;
    scheduled: { zeroAt: string };
    zeroAt?: string;
    timeline: { step: string; offset: string; at: string }[];
    waitingFor?: { stepId?: string };
  };
  attempts: { stepId: string; begunAt: string }[];
}

const DEPLOY = ["deploy", "--release", "v1", "--yes", "--detach"];

describe("a deploy at a time that was named", ROOM, () => {
  it("is refused where it cannot be, and otherwise waits for each moment, also when its worker is killed", async () => {
    const past = await tminus.json<Printed>(...DEPLOY, "--at", "2s");
    expect([past.exitCode, past.value.error.code]).toEqual([2, "USAGE_INVALID"]);
    expect(past.value.error.message).toContain("its first step comes 10 s before it");
    expect(past.value.error.hint).toContain("The earliest possible T-0 is ");
    const skipped = await tminus.json<Printed>(...DEPLOY, "--at", "2027-03-14 02:30 America/New_York");
    expect(skipped.value.error.message).toBe("--at: the clocks in America/New_York skip 2027-03-14 02:30");

    const freeze = ["freeze", "--env", "production", "--from", "1h", "--until", "3h", "--reason", "a fair"];
    expect((await tminus.run(...freeze)).exitCode).toBe(0);
    const frozen = await tminus.json<Printed>(...DEPLOY, "--at", "2h");
    expect([frozen.exitCode, frozen.value.error.code]).toEqual([3, "WINDOW_CLOSED"]);
    expect(frozen.value.error.message).toContain("at T-0, ");

    const started = await tminus.json<Printed>(...DEPLOY, "--at", "30s");
    expect(started.exitCode, started.stderr).toBe(0);
    const { id, scheduled, timeline } = started.value.run;
    expect(timeline.map(({ step, offset }) => [step, offset])).toEqual([
      ["before", "T-10s"],
      ["deploy", "T-0"],
    ]);
    expect(timeline[1]?.at).toBe(scheduled.zeroAt);
    expect((await tminus.run("status")).stdout).toMatch(/T-00:\d\d next: before at T-00:10 \(/);
    expect(project.effectLines()).toEqual([]);

    const shown = async (): Promise<Printed> => (await tminus.json<Printed>("show", id)).value;
    await expect
      .poll(async () => (await shown()).run.waitingFor?.stepId, { timeout: 60_000, interval: 200 })
      .toBe("deploy");
    sendSignal(worker, "SIGKILL");
    worker = await project.startWorker();
    await expect
      .poll(async () => (await shown()).run.outcome, { timeout: 60_000, interval: 500 })
      .toBe("succeeded");
    const { run, attempts } = await shown();
    expect(run.zeroAt).toBe(scheduled.zeroAt);
    expect(project.effectLines()).toEqual(["did before", "started v1"]);
    for (const { step, at } of timeline) {
      const begun = attempts.filter(({ stepId }) => stepId === step).map(({ begunAt }) => begunAt);
      expect(begun).toHaveLength(1);
      expect(Date.parse(begun[0]!)).toBeGreaterThanOrEqual(Date.parse(at));
    }
  });
});
