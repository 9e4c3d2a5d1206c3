import type { Json } from "../model/json.ts";
import type { Signal } from "../model/signal.ts";
import type { RunExecution } from "./execution.ts";
import { whileWaiting } from "./step-context.ts";

export interface Answer {
  as: "done" | "retry" | "failed";
  note: string;
  actor: string;
}

/**
 * Parks the run until a person resolves `subject` (a step's id, or "end-state"); undefined when they stopped
 * the run instead. Only answers given after the question count, also when the worker died in between.
 */
export async function askPerson(
  execution: RunExecution,
  subject: string,
  question: string,
): Promise<Answer | undefined> {
  const { control, lost, ports, run } = execution;
  const name = `${subject}#question`;
  const after = await openQuestion(execution, name);
  return whileWaiting(execution, subject, { for: "decision", text: question }, async () => {
    for (;;) {
      if (control.stopRequest() !== undefined) return undefined;
      const answer = control.all().find((signal) => signal.id > after && isAbout(signal, subject));
      if (answer?.body.kind === "resolve") {
        // Before acting on it: a "retry" counts once. The other two end the question by what they lead to, and
        // are found again here when the worker dies before that.
        if (answer.body.as === "retry")
          await ports.journal.saveState(execution.execution, name, { after: answer.id, isOpen: false });
        ports.log(`run ${run.id}: ${answer.actor} says ${answer.body.as} about ${subject}`);
        return { as: answer.body.as, note: answer.body.note, actor: answer.actor };
      }
      await control.changed(lost);
    }
  });
}

/** The id of the last signal when the question was first asked. */
async function openQuestion({ ports, run, execution, control }: RunExecution, name: string): Promise<number> {
  const stored = toQuestion(await ports.journal.loadState(run.id, name));
  if (stored?.isOpen === true) return stored.after;
  const after = control.all().at(-1)?.id ?? 0;
  await ports.journal.saveState(execution, name, { after, isOpen: true });
  return after;
}

function toQuestion(state: Json | undefined): { after: number; isOpen: boolean } | undefined {
  if (typeof state !== "object" || state === null || Array.isArray(state)) return undefined;
  const { after, isOpen } = state;
  return typeof after === "number" && typeof isOpen === "boolean" ? { after, isOpen } : undefined;
}

function isAbout({ body }: Signal, subject: string): boolean {
  return body.kind === "resolve" && body.stepId === subject;
}
