import { deadline } from "../lib/clock.ts";
import { formatDuration } from "../lib/duration.ts";
import type { Json } from "../model/json.ts";
import type { Signal } from "../model/signal.ts";
import type { PageMessage } from "../model/step-kind.ts";
import type { RunExecution } from "./execution.ts";
import { page } from "./page.ts";
import { whileWaiting } from "./step-context.ts";

export interface Answer {
  as: "done" | "retry" | "failed";
  note: string;
  actor: string;
}

/** Who says that it failed, and why. */
export function saidText({ actor, note }: Answer): string {
  if (actor === "tminus") return note;
  return note === "" ? `${actor} says that it failed` : `${actor}: ${note}`;
}

export interface AskOptions {
  /** Without an answer for this long, also across restarts, the answer is that it failed. */
  limitMs?: number;
  /** It is about how the run was undone: that the run was stopped is no answer. */
  isRollback?: true;
  /** Sent when the question is asked. */
  page?: PageMessage & { key: string };
}

/**
 * Parks the run until a person resolves `subject` (a step's id, "end-state" or "cure"); undefined when they stopped
 * the run instead. Only answers given after the question count, also when the worker died in between. When the time
 * is over without one, tminus itself answers "failed".
 */
export async function askPerson(
  execution: RunExecution,
  subject: string,
  question: string,
  options: AskOptions = {},
): Promise<Answer | undefined> {
  const { control, lost, ports, run } = execution;
  const name = `${subject}#question`;
  const { after, untilMs } = await openQuestion(execution, name, options);
  const until = untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() };
  // Not waited for: an answer may come before it has reached everybody.
  if (options.page !== undefined) void page(execution, subject, options.page.key, options.page);
  return whileWaiting(execution, subject, { for: "decision", text: question, ...until }, async () => {
    for (;;) {
      if (options.isRollback !== true && control.stopRequest() !== undefined) return undefined;
      const answer = control.all().find((signal) => signal.id > after && isAbout(signal, subject));
      if (answer?.body.kind === "resolve" && answer.body.as !== "promote") {
        const as = answer.body.as === "extend" ? "retry" : answer.body.as; // there is nothing to look at for longer
        // Before acting on it: a "retry" counts once. The other two end the question by what they lead to, and
        // are found again here when the worker dies before that.
        if (as === "retry")
          await ports.journal.saveState(execution.execution, name, { after: answer.id, isOpen: false });
        ports.log(`run ${run.id}: ${answer.actor} says ${as} about ${subject}`);
        return { as, note: answer.body.note, actor: answer.actor };
      }
      if (untilMs === undefined) {
        await control.changed(lost);
        continue;
      }
      const leftMs = untilMs - ports.clock.now().getTime();
      if (leftMs <= 0) return lateAnswer(options);
      await control.changed(deadline(leftMs, lost)).catch(() => lost.throwIfAborted()); // else the time is over
    }
  });
}

function lateAnswer({ limitMs = 0 }: AskOptions): Answer {
  return { as: "failed", note: `nobody answered within ${formatDuration(limitMs)}`, actor: "tminus" };
}

type Question = { after: number; isOpen: boolean; untilMs?: number };

/** What the last signal was when the question was first asked, and when it ends. */
async function openQuestion(
  { ports, run, execution, control }: RunExecution,
  name: string,
  { limitMs }: AskOptions,
): Promise<Question> {
  const stored = toQuestion(await ports.journal.loadState(run.id, name));
  if (stored?.isOpen === true) return stored;
  const after = control.all().at(-1)?.id ?? 0;
  const untilMs = limitMs === undefined ? {} : { untilMs: ports.clock.now().getTime() + limitMs };
  const question = { after, isOpen: true, ...untilMs };
  await ports.journal.saveState(execution, name, question);
  return question;
}

function toQuestion(state: Json | undefined): Question | undefined {
  if (typeof state !== "object" || state === null || Array.isArray(state)) return undefined;
  const { after, isOpen, untilMs } = state;
  if (typeof after !== "number" || typeof isOpen !== "boolean") return undefined;
  return { after, isOpen, ...(typeof untilMs === "number" ? { untilMs } : {}) };
}

function isAbout({ body }: Signal, subject: string): boolean {
  return body.kind === "resolve" && body.as !== "promote" && body.stepId === subject;
}
