import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { crashPoints } from "../../src/lib/crash-point.ts";
import { run } from "../../src/lib/process.ts";

let directory: string;
let log: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tminus-crash-"));
  log = join(directory, "log");
});
afterEach(() => rmSync(directory, { recursive: true }));

const MODULE = resolve(import.meta.dirname, "../../src/lib/crash-point.ts");
const PROGRAM = `
  const { crashPoint } = await import(${JSON.stringify(MODULE)});
  crashPoint("step.before-act", "a"); crashPoint("step.after-act", "a"); crashPoint("step.after-act", "b");
  console.log("reached the end");
`;

/** The signal that ended the program, or what it printed. */
async function outcome(env: Record<string, string>): Promise<string> {
  const argv = [process.execPath, "--input-type=module", "-e", PROGRAM];
  const { signalName, output } = await run(argv, { env, timeoutMs: 20_000 });
  return signalName ?? output.trim();
}

describe("crashPoint", () => {
  it("does nothing without a log", async () => {
    expect(await outcome({})).toBe("reached the end");
    expect(existsSync(log)).toBe(false);
  });

  it("kills each incarnation at the first point at which no earlier one has died", async () => {
    const env = { TMINUS_CRASH_LOG: log };
    const outcomes = [await outcome(env), await outcome(env), await outcome(env), await outcome(env)];
    expect(outcomes).toEqual(["SIGKILL", "SIGKILL", "SIGKILL", "reached the end"]);
    expect(readFileSync(log, "utf8")).toBe("step.before-act a\nstep.after-act a\nstep.after-act b\n");
  });

  it("kills only at the points named, when some are", async () => {
    const env = { TMINUS_CRASH_LOG: log, TMINUS_CRASH_ONLY: "run.before-end,step.before-act" };
    expect([await outcome(env), await outcome(env)]).toEqual(["SIGKILL", "reached the end"]);
    expect(readFileSync(log, "utf8")).toBe("step.before-act a\n");
  });

  it("has each name once", () => {
    expect(new Set(crashPoints).size).toBe(crashPoints.length);
  });
});
