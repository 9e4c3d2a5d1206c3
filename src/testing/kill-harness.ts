import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CrashPoint } from "../lib/crash-point.ts";
import { run } from "../lib/process.ts";
import type { JsonObject } from "../model/json.ts";
import type { StepKind } from "../model/step-kind.ts";
import type { FakeStepWorldOptions } from "./fake-step-context.ts";

/** What a case module exports as `openKilledStep`; it is called anew in every process. */
export type OpenKilledStep = (directory: string) => KilledStep | Promise<KilledStep>;

export interface KilledStep {
  kind: StepKind;
  with: JsonObject;
  /** The world, built on what lies in the directory, so that it outlasts the process. */
  world: FakeStepWorldOptions;
}

export interface KilledOptions {
  /** File of the module that exports `openKilledStep`. */
  module: string;
  /** An empty folder for the state; the caller removes it. */
  directory: string;
  /** The crash points that the kind passes; each kills once for every detail it is passed with. */
  points: readonly CrashPoint[];
}

export interface KilledReport {
  /** Point and detail of each kill, in order. */
  kills: string[];
  /** "parked": a person would be asked. */
  outcome: "done" | "failed" | "parked";
  reason: string;
}

const MAX_LIVES = 30;

/**
 * Runs a step in real processes that kill themselves with SIGKILL at each crash point in turn; every new one
 * recovers as the engine does, until one lives to the end. Asserts that every point named was reached.
 */
export async function driveKilled({ module, directory, points }: KilledOptions): Promise<KilledReport> {
  const log = join(directory, "crash.log");
  const child = fileURLToPath(
    new URL(`./step-child${extname(fileURLToPath(import.meta.url))}`, import.meta.url),
  );
  const env: Record<string, string> = { TMINUS_CRASH_LOG: log, TMINUS_CRASH_ONLY: points.join(",") };
  for (const name of ["PATH", "HOME", "TMPDIR", "NODE_COMPILE_CACHE"])
    if (process.env[name] !== undefined) env[name] = process.env[name];

  for (let life = 1; life <= MAX_LIVES; life++) {
    const ended = await run([process.execPath, child, module, directory], { env, timeoutMs: 60_000 });
    if (ended.signalName === "SIGKILL") continue;
    assert.equal(ended.exitCode, 0, `life ${life} ended unexpectedly: ${ended.output}`);
    const kills = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
    for (const point of points)
      assert.ok(
        kills.some((kill) => kill === point || kill.startsWith(`${point} `)),
        `${point} was never passed`,
      );
    const outcome = JSON.parse(readFileSync(join(directory, "outcome.json"), "utf8")) as Omit<
      KilledReport,
      "kills"
    >;
    return { kills, ...outcome };
  }
  return assert.fail(`the step was still being killed after ${MAX_LIVES} lives`);
}
