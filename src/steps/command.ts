import * as z from "zod";
import { crashPoint } from "../lib/crash-point.ts";
import { sha256 } from "../lib/hash.ts";
import { lastLines } from "../lib/output-tail.ts";
import { findInside } from "../lib/script-file.ts";
import { argvSchema, hasOneProgram, oneProgramIssue, programFields } from "../model/program.ts";
import { lintArgv, lintScript } from "../postgres/lint/command-lint.ts";
import type { PlanContext, StepContext, StepResult } from "../model/step-kind.ts";
import { readFileSync } from "node:fs";
import { execute, sayEnd, type Ended } from "./command/execute.ts";
import { defineStep } from "./define.ts";

const schema = z
  .strictObject({
    ...programFields,
    undo: argvSchema.optional().describe("Command that takes the effect away; must be safe to repeat"),
    check: argvSchema
      .optional()
      .describe(
        "Command that looks for the effect: exit code 0 it is there, 3 certainly not, anything else unknown",
      ),
    repeatable: z.boolean().default(false).describe("Whether running it twice does no harm"),
    expectExit: z
      .array(z.int().min(0).max(255))
      .min(1)
      .max(20)
      .default([0])
      .describe("Exit codes that count as success"),
  })
  .refine(hasOneProgram, oneProgramIssue);

export type CommandWith = z.output<typeof schema>;

/** What planning found out about the script; `problems` and `dangers` block the plan. */
type CommandFacts = {
  script: { path: string; digest: string } | null;
  problems: string[];
  /** What would destroy the database or stop its application. */
  dangers: { reason: string; fix: string }[];
};

const DEFAULT_TIMEOUT_MS = 10 * 60_000;
const ABSENT_EXIT_CODE = 3;

/** Runs a program or a script file of the project. */
export const command = defineStep({
  kind: "command",
  version: 1,
  inRollback: false,
  summary: "Runs a command or a script file and keeps its output as evidence.",
  requirements: ["B1", "D4"],
  schema,
  example: "run: [npm, run, seed]\ncheck: [npm, run, seeded]\nundo: [npm, run, unseed]\n",

  gather: async (context): Promise<CommandFacts> => {
    for (const reference of Object.values(context.with.env)) context.secret(reference);
    return lookUp(context);
  },

  plan({ with: settings, facts }) {
    const { undo } = settings;
    return {
      summary: [
        settings.script === undefined ? `runs ${say(settings.run!)}` : `runs the script ${settings.script}`,
        ...(settings.check === undefined ? [] : [`checked by ${say(settings.check)}`]),
      ],
      risk: undo !== undefined || settings.repeatable ? "low" : "medium",
      durationMs: 0,
      timeoutMs: DEFAULT_TIMEOUT_MS,
      undo:
        undo === undefined
          ? { how: "irreversible", text: "no undo command is given" }
          : { how: "undo", text: `runs ${say(undo)}` },
      inputs:
        facts.script === null ? [] : [{ name: `script ${facts.script.path}`, digest: facts.script.digest }],
      blocked: [
        ...facts.problems.map((reason) => ({ reason, fix: "name a path that exists inside the project" })),
        ...facts.dangers,
      ],
    };
  },

  async observe(ctx) {
    const { check, repeatable } = ctx.with;
    if (check !== undefined) {
      const found = await runCheck(ctx, check);
      if (found.verdict === "pass")
        return { state: "done", reason: found.reason, result: { foundBy: "check" } };
      if (found.verdict === "fail") return { state: "absent", reason: found.reason };
      return { state: "unknown", reason: found.reason };
    }
    if (repeatable) return { state: "absent", reason: "it does no harm to run it again" };
    return { state: "unknown", reason: "it cannot be told whether the command took effect: it has no check" };
  },

  async act(ctx) {
    const { script, problems } = lookUp(ctx);
    if (problems.length > 0) return { outcome: "failed", reason: problems.join("; "), result: {} };
    if (script !== null && script.digest !== ctx.facts.script?.digest)
      return { outcome: "failed", reason: `${script.path} changed after the plan was made`, result: {} };
    crashPoint("command.before-spawn", ctx.stepId);
    const ended = await execute(ctx, commandOf(ctx.with), { evidence: "output" });
    crashPoint("command.after-exit", ctx.stepId);
    return toResult(ended, ctx.with.expectExit, "the command");
  },

  async previewUndo({ with: { undo } }) {
    const text = `runs ${undo === undefined ? "nothing" : say(undo)}; what that loses only the command knows`;
    return { text, rowsLost: undefined, isRefused: false };
  },

  async verify(ctx) {
    const { check } = ctx.with;
    if (check === undefined)
      return { verdict: "pass", reason: "the exit code is the proof: the command has no check" };
    return runCheck(ctx, check);
  },

  async undo(ctx) {
    const { undo, check } = ctx.with;
    if (undo === undefined) return { outcome: "failed", reason: "no undo command is given", result: {} };
    if (check !== undefined && (await runCheck(ctx, check)).verdict === "fail")
      return {
        outcome: "done",
        reason: "there is nothing to undo: the check does not find the effect",
        result: {},
      };
    crashPoint("command.before-spawn", `${ctx.stepId} undo`);
    const ended = await execute(ctx, { run: undo }, { evidence: "undo-output" });
    crashPoint("command.after-exit", `${ctx.stepId} undo`);
    const result = toResult(ended, [0], "the undo command");
    if (result.outcome === "done" && check !== undefined && (await runCheck(ctx, check)).verdict === "pass")
      return {
        ...result,
        outcome: "failed",
        reason: "the undo command ended well, but the check still finds the effect",
      };
    return result;
  },
});

type Ctx = StepContext<CommandWith, CommandFacts>;

function commandOf(settings: CommandWith): { run: string[] } | { script: string } {
  return settings.script === undefined ? { run: settings.run! } : { script: settings.script };
}

function lookUp(context: Pick<PlanContext<CommandWith>, "with" | "projectDirectory">): CommandFacts {
  const { script: path, cwd, run, undo, check } = context.with;
  const problems: string[] = [];
  const dangers = Object.entries({ run, undo, check }).flatMap(([field, argv]) =>
    lintArgv(argv ?? []).map(({ reason, fix }) => ({ reason: `${field}: ${reason}`, fix })),
  );
  let script: CommandFacts["script"] = null;
  if (cwd !== undefined) {
    const found = findInside(context.projectDirectory, cwd);
    if (found.state === "refused") problems.push(`cwd: ${found.reason}`);
  }
  if (path !== undefined) {
    const found = findInside(context.projectDirectory, path);
    if (found.state === "refused") problems.push(`script: ${found.reason}`);
    else {
      const content = readFileSync(found.file);
      script = { path, digest: sha256(content) };
      for (const { line, rule, reason, fix } of lintScript(content.toString("utf8"))) {
        const orAllow = `Where it is right, write '# tminus: allow ${rule} <reason>' into the script.`;
        dangers.push({ reason: `${path}:${line}: ${reason}`, fix: `${fix} ${orAllow}` });
      }
    }
  }
  return { script, problems, dangers };
}

/** Whether the effect is there: pass, certainly not: fail. */
async function runCheck(ctx: Ctx, check: readonly string[]) {
  const ended = await execute(ctx, { run: check }, {});
  if (ended.exitCode === 0) return { verdict: "pass" as const, reason: "the check finds the effect" };
  if (ended.exitCode === ABSENT_EXIT_CODE)
    return { verdict: "fail" as const, reason: "the check does not find the effect" };
  return {
    verdict: "unknown" as const,
    reason: `it cannot be told whether the effect is there: the check ${sayEnd(ended)}`,
  };
}

function toResult(ended: Ended, expected: readonly number[], what: string): StepResult {
  const result = {
    exitCode: ended.exitCode ?? null,
    durationMs: Math.round(ended.durationMs),
    ...(ended.evidence === undefined ? {} : { output: ended.evidence }),
  };
  if (ended.exitCode !== undefined && expected.includes(ended.exitCode))
    return { outcome: "done", reason: `${what} ${sayEnd(ended)}`, result };
  const lines = lastLines(ended.output, 20);
  const said = lines.at(-1);
  return {
    outcome: "failed",
    reason: `${what} ${sayEnd(ended)}${said === undefined ? "" : `: ${said}`}`,
    result: { ...result, lastLines: lines },
  };
}

function say(argv: readonly string[]): string {
  return argv.map((part) => (/^[\w@%+=:,./-]+$/.test(part) ? part : JSON.stringify(part))).join(" ");
}
