import * as z from "zod";
import { parseDuration } from "../lib/duration.ts";
import { lastLines } from "../lib/output-tail.ts";
import { run, type RunResult } from "../lib/process.ts";
import { findInside, scriptCommand } from "../lib/script-file.ts";
import type { GateContext, GateVerdict } from "../model/gate-kind.ts";
import { hasOneProgram, oneProgramIssue, programFields } from "../model/program.ts";
import { durationSchema } from "../model/runbook.ts";
import { defineGate } from "./define.ts";
import { unknown } from "./unknown.ts";

const exitCodes = z.array(z.int().min(0).max(255)).max(20);

const schema = z
  .strictObject({
    ...programFields,
    couldNotRun: exitCodes
      .default([126, 127])
      .describe(
        "Exit codes that mean that nothing was checked, so that the gate is undecided rather than failed",
      ),
    timeout: durationSchema.default("10m").describe("Time limit; a command that exceeds it decides nothing"),
  })
  .refine(hasOneProgram, oneProgramIssue);

type With = z.output<typeof schema>;

/** Of the output's end, which is what a plan keeps of it. */
const KEPT_LINES = 50;
const OUTPUT_LIMIT = 256 * 1024;
/** Cut off where the output's beginning is missing: a secret that the cut goes through would not be recognised. */
const TORN_START = 16 * 1024;

/** Passes when a program or script of the project ends with exit code 0. */
export const command = defineGate({
  kind: "command",
  summary: "Passes when a command ends with exit code 0.",
  requirements: ["B1"],
  schema,
  example: "run: [npm, test]\ntimeout: 15m\n",

  async check(context) {
    const settings = context.with;
    const cwd = findInside(context.projectDirectory, settings.cwd ?? ".");
    if (cwd.state === "refused") return unknown(`cwd: ${cwd.reason}`, "name a folder inside the project");
    const argv = argvOf(context);
    if (typeof argv === "string") return unknown(`script: ${argv}`, "name a file inside the project");

    const limitMs = parseDuration(settings.timeout)!;
    context.progress(`runs ${settings.script ?? settings.run!.join(" ")}`);
    const ran = await run(argv, {
      cwd: cwd.file,
      env: environmentOf(context),
      timeoutMs: limitMs,
      signal: context.signal,
      maxOutputBytes: OUTPUT_LIMIT,
    });
    if (ran.aborted) throw context.signal.reason;
    return decide(ran, settings, (text) => context.redact(text));
  },
});

function decide(ran: RunResult, settings: With, redact: (text: string) => string): GateVerdict {
  const torn = ran.output.length >= OUTPUT_LIMIT;
  const lines = lastLines(redact(ran.output).slice(torn ? TORN_START : 0), KEPT_LINES);
  const evidence = { exitCode: ran.exitCode ?? null, lastLines: lines };
  const said = lines.length === 0 ? "" : `: ${lines.at(-1)!}`;
  if (ran.startError !== undefined)
    return {
      ...unknown(
        `it could not be started (${redact(ran.startError)})`,
        "install the program, or correct its name",
      ),
      evidence,
    };
  if (ran.timedOut)
    return {
      ...unknown(
        `it did not end within ${settings.timeout}${said}`,
        "raise timeout, or find out why it hangs",
      ),
      evidence,
    };
  if (ran.exitCode === undefined)
    return {
      ...unknown(`it was ended by ${ran.signalName ?? "a signal"}${said}`, "run it by hand to see why"),
      evidence,
    };
  if (ran.exitCode === 0) return { verdict: "pass", reason: "exit code 0", evidence };
  const reason = `exit code ${ran.exitCode}${said}`;
  if (settings.couldNotRun.includes(ran.exitCode))
    return { ...unknown(`it could not run: ${reason}`, "run it by hand to see why"), evidence };
  return { verdict: "fail", reason, evidence, fix: "run it by hand and correct what it reports" };
}

/** The reason when the script cannot be used. */
function argvOf({ with: settings, projectDirectory }: GateContext<With>): readonly string[] | string {
  if (settings.script === undefined) return settings.run!;
  const found = findInside(projectDirectory, settings.script);
  return found.state === "found" ? scriptCommand(found.file) : found.reason;
}

function environmentOf(context: GateContext<With>): Record<string, string> {
  const environment = { ...context.processEnvironment };
  for (const [name, reference] of Object.entries(context.with.env))
    environment[name] = context.secret(reference).reveal();
  return { ...environment, TMINUS_RELEASE: context.release, TMINUS_ENVIRONMENT: context.environment.name };
}
