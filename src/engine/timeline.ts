import { formatOffset } from "../lib/duration.ts";
import type { PlannedStep } from "../model/plan.ts";
import { stepsOf } from "../model/plan-steps.ts";
import type { Run } from "../model/run.ts";
import { momentsOf, zeroStepOf } from "../model/timeline.ts";
import { attemptsOf, type RunExecution } from "./execution.ts";
import type { EnginePorts } from "./ports.ts";
import { whileWaiting } from "./step-context.ts";
import { LOOK_MS, type ClosedWindow } from "./window.ts";

/** A step that begins later than its moment by less than this is in time. */
const LATE_MS = 1_000;

/**
 * What a scheduled run waits for before it takes its environment: the moment of its first step, when that has one. What
 * the plan was made from is looked at again only then.
 */
export function firstMoment(run: Run, { clock }: Pick<EnginePorts, "clock">): ClosedWindow | undefined {
  const { scheduled } = run.plan;
  if (scheduled === undefined || run.startedAt !== undefined || run.verdict !== undefined) return undefined;
  const first = stepsOf(run.plan)[0]?.id;
  const moment = momentsOf(run.plan).find(({ step }) => step === first);
  if (moment === undefined) return undefined;
  const at = Date.parse(scheduled.zeroAt) + moment.offsetMs;
  const leftMs = at - clock.now().getTime();
  if (leftMs <= 0) return undefined;
  const until = new Date(at).toISOString();
  const text = `${moment.step} starts at ${formatOffset(moment.offsetMs)}`;
  return { told: until, waitingFor: { for: "time", text, until }, pollMs: Math.min(LOOK_MS, leftMs) };
}

/**
 * Settles T-0 once, before the first step that has a moment: as it was scheduled, else as early as that step's offset
 * allows. Requirement A9.
 */
export async function settleZero(execution: RunExecution, step: PlannedStep): Promise<void> {
  const { run, ports } = execution;
  if (run.zeroAt !== undefined) return;
  const { scheduled } = run.plan;
  const isZero = step === zeroStepOf(run.plan);
  if (scheduled === undefined && !isZero && step.offsetMs === undefined) return;
  const leadMs = Math.max(0, -(step.offsetMs ?? 0));
  const zeroAt = scheduled?.zeroAt ?? new Date(ports.clock.now().getTime() + leadMs).toISOString();
  const isNow = scheduled === undefined && leadMs === 0;
  await ports.journal.record(
    execution.execution,
    "run.zero",
    isNow ? {} : { at: zeroAt },
    isNow ? { zero: true } : { zeroAt },
  );
  const settled = (await ports.journal.run(run.id)).zeroAt;
  if (settled !== undefined) run.zeroAt = settled;
}

/** Never lets a step begin before its moment. A stop request ends the wait. */
export async function waitForMoment(execution: RunExecution, step: PlannedStep): Promise<void> {
  const { ports, control, lost } = execution;
  const due = dueAt(execution, step);
  if (due === undefined) return;
  const left = due.at - ports.clock.now().getTime();
  if (left <= 0) return;
  const text = `${step.id} starts at ${formatOffset(due.offsetMs)}`;
  const what = { for: "time", text, until: new Date(due.at).toISOString() } as const;
  await whileWaiting(execution, step.id, what, () =>
    ports.clock.sleep(left, AbortSignal.any([lost, control.stopped])).catch((error: unknown) => {
      lost.throwIfAborted();
      if (control.stopRequest() === undefined) throw error;
    }),
  );
}

/** Writes down by how much a step begins after its moment. One that was at work when its worker died had begun. */
export async function tellLate(execution: RunExecution, step: PlannedStep): Promise<void> {
  const { ports } = execution;
  const due = dueAt(execution, step);
  if (due === undefined || attemptsOf(execution, step, "act").length > 0) return;
  const lateMs = ports.clock.now().getTime() - due.at;
  if (lateMs < LATE_MS) return;
  const data = { stepId: step.id, offsetMs: due.offsetMs, lateMs };
  await ports.journal.record(execution.execution, "step.late", data);
}

function dueAt({ run }: RunExecution, step: PlannedStep): { at: number; offsetMs: number } | undefined {
  const moment = momentsOf(run.plan).find((one) => one.step === step.id);
  if (moment === undefined || run.zeroAt === undefined) return undefined;
  return { at: run.zeroAt.getTime() + moment.offsetMs, offsetMs: moment.offsetMs };
}
