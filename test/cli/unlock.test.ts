import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../src/model/run.ts";
import { viewOf } from "../../src/report/run-view.ts";
import { eventLine } from "../../src/cli/output/lines.ts";
import { deployLog } from "../../src/report/deploy-log.ts";
import { ID } from "./support/cases.ts";
import { locked, lockedRun } from "./support/unlock-cases.ts";
import { runCommand } from "./support/run-command.ts";
import { beginning, blockedPlan, eventsOf, rolledBack, sampleRun } from "./support/sample-run.ts";

const WHY = ["--reason", "the flag is off"];
const lockText =
  "production is locked since 2026-11-21T10:02:00.000Z: run r0sample0001 rolled v2 back by itself: 8 % of requests failed";

describe("tminus unlock", () => {
  it("lets deploys in again in the name of who is acting, with the reason", async () => {
    const fake = locked();
    const { exitCode, stdout, stderr } = await runCommand(fake, [
      "unlock",
      "production",
      ...WHY,
      "--by",
      "ann",
    ]);
    expect([exitCode, fake.unlocked]).toEqual([0, [{ id: 7, reason: "the flag is off", actor: "ann" }]]);
    expect(stderr).toContain(lockText);
    expect(stdout).toContain("production is unlocked by ann (a name that nobody has checked)");
    const environment = { TMINUS_ACTOR: "lena" };
    const again = locked();
    await runCommand(again, ["unlock", "production", ...WHY], { environment });
    expect(again.unlocked).toMatchObject([{ actor: "lena" }]);
  });

  it("asks for the name of a protected environment, and changes nothing when another one is typed", async () => {
    for (const [answer, exit, count] of [
      ["production", 0, 1],
      ["staging", 2, 0],
    ] as const) {
      const fake = locked(true);
      const result = await runCommand(fake, ["unlock", "production", ...WHY], { isTty: true, answer });
      expect(result.asked).toEqual(["production is protected. To unlock production, type its name: "]);
      expect([result.exitCode, fake.unlocked.length]).toEqual([exit, count]);
    }
  });

  it("says so when there is nothing to unlock, and when somebody else was faster", async () => {
    const open = locked();
    open.openLock = undefined;
    const nothing = await runCommand(open, ["unlock", "production", ...WHY, "--json"]);
    expect(JSON.parse(nothing.stdout)).toMatchObject({ environment: "production", unlocked: false });
    const late = locked();
    late.unlock = async () => false;
    const { exitCode, stdout } = await runCommand(late, ["unlock", "production", ...WHY]);
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining("was unlocked by somebody else")]);
  });

  it("gives the lock in JSON", async () => {
    const { stdout } = await runCommand(locked(), ["unlock", "production", ...WHY, "--by", "ann", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      environment: "production",
      unlocked: true,
      actor: "ann",
      reason: "the flag is off",
      lock: { runId: ID, release: "v2", stepId: "canary", at: "2026-11-21T10:02:00.000Z" },
    });
  });
});

describe("a locked environment", () => {
  it("is shown by status, with what to do", async () => {
    const { exitCode, stdout } = await runCommand(locked(), ["status"], { columns: 200 });
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`ago: ${lockText}`);
    expect(stdout).toContain('tminus unlock production --reason "<why>"');
    const { stdout: json } = await runCommand(locked(), ["status", "--json"]);
    expect(JSON.parse(json)).toMatchObject({ environments: [{ lock: { id: 7, runId: ID } }] });
  });

  it("makes a deploy that was queued meanwhile exit as blocked", async () => {
    const fake = locked();
    fake.afterFollow = lockedRun;
    const { exitCode } = await runCommand(fake, ["deploy", "--release", "v3"]);
    expect(exitCode).toBe(3);
  });

  it("gives a blocked deploy its next command as the hint, when there is only one", async () => {
    const fake = locked();
    const fix = 'Look at it, then: tminus unlock production --reason "<why>".';
    fake.nextPlan = {
      ...blockedPlan(),
      gates: [],
      blocked: [{ where: "environment", reason: lockText, fix }],
    };
    const { exitCode, stderr } = await runCommand(fake, ["deploy", "--release", "v3"], { columns: 200 });
    expect(exitCode).toBe(3);
    expect(stderr).toContain(`- environment: ${lockText}`);
    expect(stderr).toContain(`→ ${fix}`);
  });
});

describe("a run that locked its environment", () => {
  const events = (isUnlocked: boolean): RunEvent[] => {
    const story = eventsOf(...beginning, ...rolledBack, [
      "run.unlocked",
      { environment: "production", reason: "the flag is off" },
      900,
      "ann",
    ]);
    const told = story.map((event) =>
      event.type === "run.ended" ? { ...event, data: { ...event.data, lock: { release: "v2" } } } : event,
    );
    return isUnlocked ? told : told.slice(0, -1);
  };

  it("says at its end how deploys are let in again, and who did", () => {
    const line = (unlocked: boolean): string | undefined => {
      const all = events(unlocked);
      return eventLine(viewOf(sampleRun(), all), all.at(-1)!);
    };
    expect(line(false)).toMatch(
      /; production is locked; let deploys in again with: tminus unlock production --reason "<why>"$/,
    );
    expect(line(true)).toBe("10:15:00Z  ▸ production was unlocked by ann: the flag is off");
    expect(deployLog({ run: sampleRun(), events: events(true), attempts: [], watched: [] })).toContain(
      "- the environment was locked until somebody unlocks it\n- unlocked 2026-11-21T10:15:00.000Z by ann: the flag is off",
    );
  });
});
