import type { Clock } from "../lib/clock.ts";
import type { Signal } from "../model/signal.ts";
import type { StepContext } from "../model/step-kind.ts";

type Ctx = Pick<StepContext<never>, "inbox" | "clock" | "signal">;

/** One timer spans at most this much: longer ones overflow. */
const MAX_SLEEP_MS = 3_600_000;

/**
 * Gives the step's signals, oldest first, to `decide` until it returns something. Undefined when `until` passes
 * first; signals sent after it do not count, those sent before it do, even when they are read later. Throws
 * the signal's reason when the step is aborted.
 */
export async function readAnswers<T>(
  ctx: Ctx,
  until: Date | undefined,
  decide: (signal: Signal) => T | undefined | Promise<T | undefined>,
): Promise<T | undefined> {
  const closing = new AbortController();
  const answers = ctx.inbox()[Symbol.asyncIterator]();
  const alarm = alarmAt(ctx.clock, until, closing.signal);
  try {
    for (;;) {
      const next = answers.next();
      next.catch(() => undefined); // when the alarm wins nobody waits for it any more
      const first = await Promise.race([next, alarm]);
      if (first === "alarm") return undefined;
      ctx.signal.throwIfAborted();
      if (first.done === true) throw new Error("the inbox ended without an answer");
      if (until !== undefined && first.value.at > until) continue;
      const decided = await decide(first.value);
      if (decided !== undefined) return decided;
    }
  } finally {
    closing.abort(new Error("answered"));
    // Not awaited: it ends only after the pending read, which may last as long as the run.
    answers.return?.().catch(() => undefined);
  }
}

/** Resolves after `until`, one turn of the event loop late, so that what is in the inbox already is read first. */
async function alarmAt(clock: Clock, until: Date | undefined, closing: AbortSignal): Promise<"alarm"> {
  try {
    if (until === undefined) return await new Promise<never>(() => undefined);
    for (;;) {
      const remainingMs = until.getTime() - clock.now().getTime();
      if (remainingMs <= 0) break;
      await clock.sleep(Math.min(remainingMs, MAX_SLEEP_MS), closing);
    }
    await clock.sleep(0, closing);
  } catch (error) {
    if (!closing.aborted) throw error; // closed: the answer is there, and nobody listens to the alarm
  }
  return "alarm";
}
