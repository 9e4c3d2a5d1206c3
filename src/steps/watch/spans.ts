import type { WatchStage } from "../../watch/fold/definition.ts";

/** Spans of equal length, one after another: (fromMs, fromMs + stepMs], … up to toMs. */
export interface Spans {
  fromMs: number;
  toMs: number;
  stepMs: number;
}

/** More are asked for at the next look. */
const MAX_SPANS = 500;

/**
 * The spans of a watch from a point on its grid up to `toMs` that are over: as long as the stage's cadence, or a multiple
 * of it where the source is coarser; the last one of a stage is cut at its end. They depend on the watch alone, not on
 * when somebody asks, so that what was missed is asked for as it would have been. The last stage goes on when the watch
 * is prolonged. Empty when none is over.
 */
export function spansBetween(
  stages: readonly WatchStage[],
  floorMs: number,
  fromMs: number,
  toMs: number,
): Spans | undefined {
  const stage = stages.find(({ untilMs }) => fromMs < untilMs) ?? stages.at(-1);
  if (stage === undefined) return undefined;
  const stepMs = stage.everyMs * Math.max(1, Math.ceil(floorMs / stage.everyMs));
  const isLast = stage === stages.at(-1);
  const endMs = isLast && fromMs >= stage.untilMs ? toMs : Math.min(toMs, stage.untilMs);
  const whole = Math.min(MAX_SPANS, Math.floor((endMs - fromMs) / stepMs));
  if (whole > 0) return { fromMs, toMs: fromMs + whole * stepMs, stepMs };
  const restMs = endMs - fromMs;
  return restMs > 0 && endMs === stage.untilMs ? { fromMs, toMs: endMs, stepMs: restMs } : undefined;
}
