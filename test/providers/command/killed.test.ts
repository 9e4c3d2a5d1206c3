import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { run } from "../../../src/lib/process.ts";
import { eventually } from "../../support/processes.ts";
import { CommandRig, stageOptions } from "./rig.ts";

const child = resolve(import.meta.dirname, "killed-child.ts");
const MAX_LIVES = 40;

let rig: CommandRig;
beforeEach(() => {
  rig = new CommandRig();
});
afterEach(() => rig.close());

/** One life of a worker that deploys v2, or goes back to v1. */
function live(phase: "deploy" | "undo", environment: Record<string, string>) {
  return run([process.execPath, child, phase, rig.folder, rig.state], {
    env: { PATH: process.env.PATH ?? "", ...environment },
    timeoutMs: 60_000,
  });
}

it("runs every command exactly once although it is killed at every crash point", async () => {
  rig.write("live", "v1\n");
  const log = join(rig.folder, "crashes.log");
  for (const phase of ["deploy", "undo"] as const) {
    let ended = await live(phase, { TMINUS_CRASH_LOG: log });
    for (let lives = 1; ended.signalName === "SIGKILL" && lives < MAX_LIVES; lives++)
      ended = await live(phase, { TMINUS_CRASH_LOG: log });
    expect(ended, ended.output).toMatchObject({ exitCode: 0 });
    expect(rig.live()).toBe(phase === "deploy" ? "v2" : "v1");
  }
  expect(rig.calls()).toEqual(["deploy v2", "rollback v1", "retire v2"]);
  const points = readFileSync(log, "utf8").trim().split("\n");
  expect(points).toEqual([
    "target.before-spawn deploy key-v2",
    "target.after-spawn deploy key-v2 unrecorded",
    "target.after-spawn deploy key-v2",
    "target.before-shift v1",
    "target.before-spawn rollback v1",
    "target.after-spawn rollback v1 unrecorded",
    "target.after-spawn rollback v1",
    "target.before-retire v2",
    "target.before-spawn retire v2",
    "target.after-spawn retire v2 unrecorded",
    "target.after-spawn retire v2",
  ]);
});

it("finds a command that outlives its worker, waits for it and believes its exit code", async () => {
  rig.write("live", "v1\n");
  rig.write("hang", "");
  rig.write("fail-v2", "6");
  const log = join(rig.folder, "crashes.log");
  const only = { TMINUS_CRASH_LOG: log, TMINUS_CRASH_ONLY: "target.after-spawn" };
  expect((await live("deploy", only)).signalName).toBe("SIGKILL"); // before the process was recorded
  expect((await live("deploy", only)).signalName).toBe("SIGKILL"); // while the command runs
  await eventually("the command runs", () => rig.calls().length === 1);
  const target = rig.open();
  const found = target.findStaged("key-v2");
  const seen = target.traffic();
  rig.remove("hang");
  expect(await found).toEqual({ state: "absent" });
  expect(await seen).toMatchObject({
    state: "present",
    value: { routes: [{ release: "v1", percent: 100 }] },
  });
  rig.remove("fail-v2");
  await target.stage("key-v2", "v2", stageOptions());
  expect(rig.calls()).toEqual(["deploy v2", "deploy v2"]);
});

it("asks a person when nobody saw the end of a deploy of what was live before", async () => {
  rig.write("live", "v2\n");
  rig.write("hang", "");
  const log = join(rig.folder, "crashes.log");
  const only = { TMINUS_CRASH_LOG: log, TMINUS_CRASH_ONLY: "target.after-spawn" };
  await live("deploy", only);
  await live("deploy", only);
  await eventually("the command runs", () => rig.calls().length === 1);
  process.kill(-rig.recordedPid(), "SIGKILL");
  expect(await rig.open().findStaged("key-v2")).toMatchObject({ state: "unknown" });
});
