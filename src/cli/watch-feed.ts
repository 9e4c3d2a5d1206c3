import { toErrorRecord } from "../errors.ts";
import type { Tminus, WatchedStep } from "../model/tminus.ts";
import { currentStep, type RunView } from "../report/run-view.ts";

/** What the step at work has seen of the rules that it watches. */
export interface WatchFeed {
  /** Undefined while the step at work watches no rules, or nothing was read of it yet. */
  current(): WatchedStep | undefined;
  /** To be called often: reads again in the background when it is time. True when something new was read since the last call. */
  tick(): boolean;
  /** Resolves when nothing is being read any more. */
  close(): Promise<void>;
}

const READ_EVERY_MS = 1_000;
/** A step that watches no rules will hardly begin to. */
const QUIET_EVERY_MS = 30_000;

/** One read at a time. One that fails is told in the place of what it would have read. */
export function openWatchFeed(tminus: Tminus, view: RunView, monotonicMs: () => number): WatchFeed {
  let last: { stepId: string; atMs: number; found: WatchedStep | undefined } | undefined;
  let reading: Promise<void> | undefined;
  let isNew = false;

  const atWork = (): string | undefined => {
    const step = currentStep(view);
    return step?.state === "running" || step?.state === "waiting" ? step.id : undefined;
  };
  const read = async (stepId: string): Promise<void> => {
    const found = await tminus.watched(view.runId, stepId).then(
      ([first]) => first,
      // What is wrong with the state is told by who reads the run's events.
      (error: unknown) => ({
        stepId,
        title: stepId,
        unknown: `its rules cannot be read: ${toErrorRecord(error).message}`,
      }),
    );
    last = { stepId, atMs: monotonicMs(), found };
    isNew = true;
    reading = undefined;
  };
  const isDue = (stepId: string): boolean => {
    if (last?.stepId !== stepId) return true;
    return monotonicMs() - last.atMs >= (last.found === undefined ? QUIET_EVERY_MS : READ_EVERY_MS);
  };
  return {
    current: () => (last?.stepId === atWork() ? last?.found : undefined),
    tick() {
      const stepId = atWork();
      if (stepId !== undefined && reading === undefined && isDue(stepId)) reading = read(stepId);
      const wasNew = isNew;
      isNew = false;
      return wasNew;
    },
    close: async () => reading,
  };
}
