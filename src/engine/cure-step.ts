import { deadline } from "../lib/clock.ts";
import { hasCode, toErrorRecord } from "../errors.ts";
import { stepsOf } from "../model/plan-steps.ts";
import type { RunVerdict } from "../model/run.ts";
import type { Verdict } from "../model/verdict.ts";
import { attemptsOf, type RunExecution } from "./execution.ts";
import { openStepContext } from "./step-context.ts";

/** How much longer than the window a step may take to say whether it is cured. */
const MARGIN_MS = 60_000;

/**
 * What the step whose failure caused the rollback says about it now; undefined when no step did, or when its kind
 * cannot tell. A step that cannot find out, or not in time, makes it unknown.
 */
export async function askFailedStep(
  execution: RunExecution,
  { stepId }: RunVerdict,
  serving: readonly string[],
): Promise<{ verdict: Verdict; proofs: Record<string, string> } | undefined> {
  const { ports, run, environment, lost } = execution;
  const step = stepsOf(run.plan).find(({ id }) => id === stepId);
  if (step === undefined) return undefined;
  const kind = ports.stepKind(step.kind);
  const failed = attemptsOf(execution, step, "act").findLast(({ state }) => state === "failed");
  if (kind?.cured === undefined || kind.version !== step.kindVersion || failed === undefined)
    return undefined;
  const { cureMs: windowMs, cureMinRequests } = run.plan.rollback;
  const least = cureMinRequests === undefined ? {} : { minRequests: cureMinRequests };
  const open = await openStepContext(execution, step, deadline(2 * windowMs + MARGIN_MS, lost));
  try {
    const verdict = await kind.cured(open.context, {
      result: failed.result ?? {},
      windowMs,
      serving,
      ...least,
    });
    return { verdict: environment.redactor.redactJson(verdict), proofs: open.evidence };
  } catch (error) {
    lost.throwIfAborted();
    if (hasCode(error, "LEASE_LOST", "STATE_UNAVAILABLE")) throw error;
    const reason = `${step.id} could not tell: ${environment.redactor.redact(toErrorRecord(error).message)}`;
    return { verdict: { verdict: "unknown", reason }, proofs: open.evidence };
  } finally {
    await open.settle();
  }
}
