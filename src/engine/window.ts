import { deadline } from "../lib/clock.ts";
import { emergencyName } from "../model/emergency.ts";
import type { Json } from "../model/json.ts";
import { mayBeKept } from "../model/kept-out.ts";
import type { PlannedStep } from "../model/plan.ts";
import type { Run, RunVerdict } from "../model/run.ts";
import type { WaitingFor } from "../model/step-kind.ts";
import { hasActed, type RunExecution } from "./execution.ts";
import type { ActiveFreeze, EnginePorts } from "./ports.ts";
import { whileWaiting } from "./step-context.ts";

/** How often it is looked whether windows or freezes are different now, beside at every change of a freeze. */
export const LOOK_MS = 15_000;

/** What a run waits for before it begins. `told` differs when people should be told something new. */
export interface ClosedWindow {
  told: string;
  waitingFor: WaitingFor;
  /** Until when it is looked again at the latest. */
  pollMs: number;
}

/**
 * Why a run that has not begun may not begin now; undefined when it may. A run that goes back to an earlier release, one
 * in an emergency and one that has begun are never kept waiting. Requirements B8, B9.
 */
export async function closedWindow(run: Run, ports: EnginePorts): Promise<ClosedWindow | undefined> {
  if (!mayBeKept(run.plan) || run.startedAt !== undefined || run.verdict !== undefined) return undefined;
  const { isOpen, text, reason, opensAt } = await ports.calendar.standing(run);
  if (isOpen) return undefined;
  const leftMs = opensAt === undefined ? LOOK_MS : Date.parse(opensAt) - ports.clock.now().getTime();
  const until = opensAt === undefined ? {} : { until: opensAt };
  return {
    told: `${reason} ${opensAt}`,
    waitingFor: { for: "time", text: `a window: ${text}`, ...until },
    pollMs: Math.min(LOOK_MS, Math.max(leftMs, 1)),
  };
}

/** A deploy whose emergency was over before it began changes nothing. */
export async function emergencyVerdict({ run, ports }: RunExecution): Promise<RunVerdict | undefined> {
  const { emergency } = run.plan;
  if (emergency === undefined || (await ports.calendar.isEmergencyOn(run))) return undefined;
  const reason = `emergency ${emergencyName(emergency)} was over before the run began`;
  return { decision: "fail", code: "PLAN_STALE", reason, by: "tminus", at: ports.clock.now().toISOString() };
}

/**
 * Keeps a run from changing more while a freeze is on: before each step that changes something, until the freeze ends,
 * is lifted, or a person says that the run goes on in it. A stop request ends the wait, and rolling back is never kept
 * waiting. Requirement B8.
 */
export async function waitWhileFrozen(execution: RunExecution, step: PlannedStep): Promise<void> {
  const { run, ports, control } = execution;
  if (!mayBeKept(run.plan) || ports.stepKind(step.kind)?.changesNothing === true) return;
  if (hasActed(execution, step)) return; // at work when its worker died: it is finished
  for (;;) {
    if (control.stopRequest() !== undefined) return;
    const said = await freezesGoneThrough(execution);
    const freezes = (await ports.calendar.freezesNow(run)).filter(({ id }) => !said.ids.includes(id));
    if (freezes.length === 0) return;
    await waitForEnd(execution, step, freezes, said);
  }
}

async function waitForEnd(
  execution: RunExecution,
  step: PlannedStep,
  freezes: readonly ActiveFreeze[],
  said: GoneThrough,
): Promise<void> {
  const { run, ports, control, lost } = execution;
  const after = said.asked ?? control.all().at(-1)?.id ?? 0;
  if (said.asked === undefined) await keep(execution, { ...said, asked: after });
  const names = freezes.map(({ id, reason }) => `freeze ${id} (${reason})`).join(", ");
  const untilMs = Math.max(...freezes.map(({ until }) => until.getTime()));
  const text = `${step.id} waits: ${names}. It goes on by itself afterwards; to go on now: tminus resume ${run.id}`;
  await ports.journal.record(execution.execution, "run.held", { by: names }, { state: "held" });
  const words: WaitingFor = { for: "decision", text, until: new Date(untilMs).toISOString() };
  const ids = await whileWaiting(execution, undefined, words, async () => {
    while (control.stopRequest() === undefined && (await isOn(execution, freezes))) {
      const goOn = control.all().find(({ id, body }) => id > after && body.kind === "resume");
      if (goOn !== undefined) {
        ports.log(`run ${run.id}: ${goOn.actor} says that it goes on in ${names}`);
        return [...said.ids, ...freezes.map(({ id }) => id)];
      }
      const leftMs = Math.max(untilMs - ports.clock.now().getTime(), 1);
      await changed(execution, Math.min(leftMs, LOOK_MS));
      lost.throwIfAborted();
    }
    return said.ids;
  });
  await keep(execution, { ids });
  await ports.journal.record(execution.execution, "run.resumed", {}, { state: "running" });
}

async function isOn({ run, ports }: RunExecution, freezes: readonly ActiveFreeze[]): Promise<boolean> {
  const now = await ports.calendar.freezesNow(run);
  return freezes.some(({ id }) => now.some((freeze) => freeze.id === id));
}

/** Resolves when a signal came, a freeze was declared or lifted, or the time is over. */
async function changed({ control, ports, lost }: RunExecution, ms: number): Promise<void> {
  let unsubscribe = (): void => undefined;
  const freezeChange = new Promise<void>((resolve) => (unsubscribe = ports.journal.onRun(resolve)));
  try {
    // A wait that is over is no error; one that was lost is found by the caller.
    await Promise.race([freezeChange, control.changed(deadline(ms, lost)).catch(() => undefined)]);
  } finally {
    unsubscribe();
  }
}

/** Under which the freezes are kept that people said the run goes on in. */
const GONE_THROUGH = "run#freeze";

interface GoneThrough {
  ids: string[];
  /** While it is asked: the last signal before the question. */
  asked?: number;
}

async function keep({ ports, execution }: RunExecution, { ids, asked }: GoneThrough): Promise<void> {
  const state = { ids, ...(asked === undefined ? {} : { asked }) };
  await ports.journal.saveState(execution, GONE_THROUGH, state);
}

async function freezesGoneThrough({ run, ports }: RunExecution): Promise<GoneThrough> {
  const state: Json | undefined = await ports.journal.loadState(run.id, GONE_THROUGH);
  if (typeof state !== "object" || state === null || Array.isArray(state)) return { ids: [] };
  const ids = Array.isArray(state.ids) ? state.ids : [];
  return {
    ids: ids.filter((id) => typeof id === "string"),
    ...(typeof state.asked === "number" ? { asked: state.asked } : {}),
  };
}
