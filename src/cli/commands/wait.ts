import { TminusError, toErrorRecord } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import { deadline } from "../../lib/clock.ts";
import type { Run } from "../../model/run.ts";
import type { Tminus } from "../../model/tminus.ts";
import { placeOf, type CommandContext } from "../command-context.ts";
import { exitOfOutcome } from "../exit-code.ts";
import { waitsForPerson } from "../../model/waits-for-person.ts";
import { runMark } from "../../report/run-marks.ts";
import { answerTo } from "../output/run-words.ts";
import { runJson } from "../output/json.ts";
import { pickRun } from "../pick-run.ts";

export interface WaitOptions {
  for: "waiting" | "succeeded" | "finished";
  /** Milliseconds. */
  timeout?: number;
}

/**
 * Blocks until the run is where it should be or has ended. Exit code: for a run that ended that of its
 * outcome (1 when it was to wait but succeeded), else 0; after the timeout 4 when it waits for a person, else 1.
 */
export async function wait(
  context: CommandContext,
  id: string | undefined,
  options: WaitOptions,
): Promise<ExitCode> {
  const { output, cancelled } = context;
  const tminus = await context.open();
  const run = await pickRun(context, tminus, id);
  output.note(`${placeOf(tminus, run.environment)}: waiting until run ${run.id} is ${options.for}`);
  if (run.state !== "ended") await tminus.ensureWorker();
  const until = options.timeout === undefined ? cancelled : deadline(options.timeout, cancelled);
  const last = await waitUntil(tminus, run, options, until);
  const isThere = isReached(last, options.for);
  if (!isThere && last.outcome === undefined) {
    cancelled.throwIfAborted();
    return timedOut(context, last, options);
  }
  const exitCode = exitOf(last, options.for);
  output.result({ run: runJson(last), reached: isThere, exitCode }, [`run ${last.id} ${sentenceOf(last)}`]);
  return exitCode;
}

/** The run when it is where it should be, has ended, or `until` is over. Looks again after every event. */
async function waitUntil(tminus: Tminus, run: Run, options: WaitOptions, until: AbortSignal): Promise<Run> {
  const isOver = (run: Run): boolean => run.state === "ended" || isReached(run, options.for);
  const events = await tminus.events(run.id, 0);
  let latest = await tminus.findRun(run.id);
  if (isOver(latest)) return latest;
  try {
    // Events after the ones read before the run was: none in between is missed.
    for await (const _event of tminus.follow(run.id, events.at(-1)?.sequence ?? 0, until)) {
      latest = await tminus.findRun(run.id);
      if (isOver(latest)) return latest;
    }
  } catch (error) {
    if (!until.aborted) throw error; // the time is over; the caller tells
  }
  return tminus.findRun(run.id);
}

function isReached(run: Run, wanted: WaitOptions["for"]): boolean {
  switch (wanted) {
    case "waiting":
      return waitsForPerson(run);
    case "succeeded":
      return run.outcome === "succeeded";
    case "finished":
      return run.state === "ended";
  }
}

/** A run that ended says how; one that ended well without ever waiting for somebody was not waiting either. */
function exitOf(run: Run, wanted: WaitOptions["for"]): ExitCode {
  if (run.outcome === undefined) return 0;
  const exit = exitOfOutcome(run.outcome);
  return wanted === "waiting" && exit === 0 ? 1 : exit;
}

function timedOut({ output }: CommandContext, run: Run, { for: wanted }: WaitOptions): ExitCode {
  const isWaiting = waitsForPerson(run);
  const answer = run.waitingFor === undefined ? "" : answerTo(run.id, run.waitingFor);
  const error = new TminusError("WAIT_TIMEOUT", `run ${run.id} is not ${wanted} yet: it ${sentenceOf(run)}`, {
    ...(isWaiting && answer !== "" ? { hint: `It waits for a person: ${answer}` } : {}),
    details: { run: run.id, state: run.state, waitingFor: run.waitingFor ?? null },
  });
  output.error(toErrorRecord(error));
  return isWaiting ? 4 : 1;
}

function sentenceOf(run: Run): string {
  const word = runMark(run).word.toLowerCase();
  return run.waitingFor === undefined ? `is ${word}` : `is ${word}: ${run.waitingFor.text}`;
}
