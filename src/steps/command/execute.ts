import { inheritedEnvironment } from "../../lib/inherited-environment.ts";
import { createOutputTail } from "../../lib/output-tail.ts";
import { run } from "../../lib/process.ts";
import { findInside, scriptCommand } from "../../lib/script-file.ts";
import type { StepContext } from "../../model/step-kind.ts";

/** How a command ended; `output` and `startError` are redacted. */
export interface Ended {
  exitCode: number | undefined;
  signalName: string | undefined;
  timedOut: boolean;
  startError: string | undefined;
  output: string;
  /** SHA-256 of the kept output, when it was kept. */
  evidence: string | undefined;
  durationMs: number;
}

interface ExecuteOptions {
  /** Keeps the output under this name, and shows its last line while it runs. Otherwise it is a short check. */
  evidence?: string;
}

type Context = StepContext<{ cwd?: string | undefined; env: Record<string, string> }, never>;

const OUTPUT_LIMIT = 256 * 1024;
/** The step's own limit comes with the signal; this one only bounds a step that was given none. */
const COMMAND_LIMIT_MS = 24 * 3_600_000;
const CHECK_LIMIT_MS = 60_000;
const PROGRESS_EVERY_MS = 500;

/**
 * Runs a command of a step with a small explicit environment. What the command does is a value; throws the
 * signal's reason when the step is aborted, after the output so far was kept.
 */
export async function execute(
  ctx: Omit<Context, "facts">,
  what: { run: readonly string[] } | { script: string },
  options: ExecuteOptions,
): Promise<Ended> {
  const cwd = insideProject(ctx.projectDirectory, ctx.with.cwd ?? ".");
  if (cwd.problem !== undefined) return notStarted(cwd.problem);
  let argv: readonly string[];
  if ("run" in what) argv = what.run;
  else {
    const script = insideProject(ctx.projectDirectory, what.script);
    if (script.problem !== undefined) return notStarted(script.problem);
    argv = scriptCommand(script.file);
  }

  const tail = createOutputTail(OUTPUT_LIMIT);
  const showing = options.evidence === undefined ? undefined : showLastLine(ctx);
  const redacting = ctx.redactStream((text) => {
    tail.push(text);
    showing?.now(() => tail.lastLine());
  });
  const ran = await run(argv, {
    cwd: cwd.file,
    env: environmentOf(ctx),
    timeoutMs: options.evidence === undefined ? CHECK_LIMIT_MS : COMMAND_LIMIT_MS,
    signal: ctx.signal,
    maxOutputBytes: 1,
    onOutput: (chunk) => redacting.push(chunk),
  });
  redacting.end();
  showing?.finally(tail.lastLine());
  const output = tail.text();
  const evidence = options.evidence === undefined ? undefined : await ctx.evidence(options.evidence, output);
  if (ran.aborted) throw ctx.signal.reason;
  const startError = ran.startError === undefined ? undefined : ctx.redact(ran.startError);
  return { ...ran, startError, output, evidence };
}

/** The end as the second half of a sentence: "ended with exit code 1". */
export function sayEnd(ended: Ended): string {
  if (ended.startError !== undefined) return `could not be started (${ended.startError})`;
  if (ended.timedOut) return "took longer than its limit and was stopped";
  if (ended.exitCode === undefined) return `was ended by ${ended.signalName ?? "a signal"}`;
  return `ended with exit code ${ended.exitCode}`;
}

function environmentOf(ctx: Omit<Context, "facts">): Record<string, string> {
  const environment = { ...inheritedEnvironment(), ...ctx.variables() };
  for (const [name, reference] of Object.entries(ctx.with.env))
    environment[name] = ctx.secret(reference).reveal();
  return {
    ...environment,
    TMINUS_RUN: ctx.runId,
    TMINUS_STEP: ctx.stepId,
    TMINUS_KEY: ctx.key,
    TMINUS_RELEASE: ctx.release,
    TMINUS_ENVIRONMENT: ctx.environment.name,
  };
}

/** At most two lines a second, and the last one at the end: a chatty command must not flood those who watch. */
function showLastLine(ctx: Omit<Context, "facts">) {
  let shown = "";
  let shownAtMs = Number.NEGATIVE_INFINITY;
  const show = (line: string): void => {
    if (line === "" || line === shown) return;
    shown = line;
    shownAtMs = ctx.clock.monotonicMs();
    ctx.progress(line);
  };
  return {
    now: (line: () => string): void => {
      if (ctx.clock.monotonicMs() - shownAtMs >= PROGRESS_EVERY_MS) show(line());
    },
    finally: show,
  };
}

function insideProject(
  directory: string,
  path: string,
): { file: string; problem: undefined } | { problem: string } {
  const found = findInside(directory, path);
  return found.state === "found" ? { file: found.file, problem: undefined } : { problem: found.reason };
}

function notStarted(reason: string): Ended {
  return {
    exitCode: undefined,
    signalName: undefined,
    timedOut: false,
    startError: reason,
    output: "",
    evidence: undefined,
    durationMs: 0,
  };
}
