import { hasCode, toErrorRecord } from "../errors.ts";
import type { Json } from "../model/json.ts";
import { askPerson } from "./ask-person.ts";
import type { RunExecution } from "./execution.ts";

/** So often in a row the same error may end an execution before a person is told. */
const SAME_ERRORS = 5;
const STATE = "run#errors";

/**
 * Called with an error that nobody expected and that ends this execution; the worker will try again. When the
 * same one comes again and again, trying alone does not help: the run shows it and waits for a person first.
 */
export async function holdRepeatedError(context: RunExecution, error: unknown): Promise<void> {
  context.lost.throwIfAborted();
  if (hasCode(error, "LEASE_LOST", "STATE_UNAVAILABLE")) return;
  const { ports, run, execution, environment } = context;
  const message = environment.redactor.redact(toErrorRecord(error).message);
  const earlier = toState(await ports.journal.loadState(run.id, STATE));
  const count = earlier?.message === message ? earlier.count + 1 : 1;
  await ports.journal.saveState(execution, STATE, { message, count: count >= SAME_ERRORS ? 0 : count });
  if (count < SAME_ERRORS) return;
  const question = `the run cannot go on: ${message}. Put that right, then: tminus resume ${run.id} --as retry, or: tminus abort ${run.id}`;
  await askPerson(context, "run", question);
}

function toState(state: Json | undefined): { message: string; count: number } | undefined {
  if (typeof state !== "object" || state === null || Array.isArray(state)) return undefined;
  const { message, count } = state;
  return typeof message === "string" && typeof count === "number" ? { message, count } : undefined;
}
