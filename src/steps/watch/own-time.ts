import type { Clock } from "../../lib/clock.ts";
import { formatDuration } from "../../lib/duration.ts";
import type { SeriesAnswer, SeriesQuestion, SignalSource } from "../../model/signal-source.ts";
import type { WatchContext } from "./facts.ts";
import type { ClockStep, SavedWatch } from "./saved-watch.ts";

/** A wall clock that is off by less than this is followed: it is being adjusted, not set. */
const STEP_MS = 1_000;

/** Of a watch that was begun before; see SavedWatch. */
export type KeptTime = Pick<SavedWatch, "lastLookMs" | "steppedMs"> & { startedAtMs: number };

export interface OwnTime {
  /** With the time of the watch, and with sources that are asked by it and answer by it. */
  context: WatchContext;
  /** By how much the wall clock is ahead of the time of the watch. */
  steppedMs(): number;
  /** The steps of the wall clock since this was called last, in order. */
  takeSteps(): ClockStep[];
}

/**
 * The time of a watch goes on by elapsed time: when the wall clock is set, on or back, or the machine was asleep, what it
 * jumps by is no part of the watch. In the next process it goes on by the wall clock less what it had jumped by, or where
 * that lies before the last look, as on another machine, by the wall clock alone; never back behind the last look.
 */
export function byOwnTime(given: WatchContext, kept?: KeptTime): OwnTime {
  const steps: ClockStep[] = [];
  const time = ownClock(given.clock, kept, (step) => {
    steps.push(step);
    given.progress(stepText(step));
  });
  const sources = Object.entries(given.sources).map(
    ([name, source]) => [name, byTime(source, time.steppedMs)] as const,
  );
  return {
    context: { ...given, clock: time.clock, sources: Object.fromEntries(sources) },
    steppedMs: time.steppedMs,
    takeSteps: () => steps.splice(0),
  };
}

function stepText({ byMs }: ClockStep): string {
  return byMs < 0
    ? `the clock of this machine was set back by ${formatDuration(-byMs)}; the watch goes on by elapsed time`
    : `the clock of this machine went on by ${formatDuration(byMs)} at once, as when it is set or was asleep; the watch goes on by elapsed time`;
}

function ownClock(
  clock: Clock,
  kept: KeptTime | undefined,
  tell: (step: ClockStep) => void,
): { clock: Clock; steppedMs: () => number } {
  const lastMs = kept === undefined ? -Infinity : (kept.lastLookMs ?? kept.startedAtMs);
  const wallMs = (): number => clock.now().getTime();
  const keptSteppedMs = kept?.steppedMs ?? 0;
  let steppedMs = [keptSteppedMs, 0].find((ms) => wallMs() - ms >= lastMs - STEP_MS) ?? wallMs() - lastMs;
  let ownMs = Math.max(lastMs, wallMs() - steppedMs);
  let monotonicMs = clock.monotonicMs();
  if (Math.abs(steppedMs - keptSteppedMs) >= STEP_MS) tell({ atMs: ownMs, byMs: steppedMs - keptSteppedMs });
  const now = (): Date => {
    const beforeMs = monotonicMs;
    monotonicMs = clock.monotonicMs();
    const byMs = wallMs() - steppedMs - (ownMs + monotonicMs - beforeMs);
    if (Math.abs(byMs) >= STEP_MS) {
      ownMs += monotonicMs - beforeMs;
      steppedMs += byMs;
      tell({ atMs: ownMs, byMs });
    } else ownMs = Math.max(ownMs, wallMs() - steppedMs);
    return new Date(ownMs);
  };
  return { clock: { ...clock, now }, steppedMs: () => steppedMs };
}

/**
 * A source by the time of the watch. One that knows only the present answers by the wall clock. One with history may be
 * right by either, as nobody knows which was wrong before the step: it is asked by the later one first, where it has data
 * only when that is not still to come, and once it had some, only so.
 */
function byTime(source: SignalSource, steppedMs: () => number): SignalSource {
  let known: number | undefined;
  const askAt = async (aheadMs: number, question: SeriesQuestion, signal: AbortSignal) => {
    const { fromMs, toMs } = question;
    const asked = { ...question, fromMs: fromMs + aheadMs, toMs: toMs + aheadMs };
    const answer = await source.query(asked, signal);
    // What counters say is said of now, whatever was asked.
    return movedBy(answer.state === "counter" ? -steppedMs() : -aheadMs, answer);
  };
  return {
    name: source.name,
    kind: source.kind,
    traits: source.traits,
    gives: (metric) => source.gives(metric),
    check: (metrics, release, signal) => source.check(metrics, release, signal),
    async query(question, signal) {
      if (source.traits.history !== "range") {
        const answer = await source.query(question, signal);
        return movedBy(-steppedMs(), answer);
      }
      const laterMs = Math.max(0, steppedMs());
      const earlierMs = Math.min(0, steppedMs());
      const later = await askAt(laterMs, question, signal);
      if (hasData(later)) known = laterMs;
      if (hasData(later) || laterMs === earlierMs || known === laterMs || later.state === "error")
        return later;
      const earlier = await askAt(earlierMs, question, signal);
      return hasData(earlier) ? earlier : later;
    },
  };
}

function hasData(answer: SeriesAnswer): boolean {
  return "points" in answer ? answer.points.length > 0 : answer.state === "counter";
}

function movedBy(ms: number, answer: SeriesAnswer): SeriesAnswer {
  if (ms === 0) return answer;
  switch (answer.state) {
    case "counter":
      return { ...answer, atMs: answer.atMs + ms };
    case "values":
      return { ...answer, points: answer.points.map((point) => ({ ...point, atMs: point.atMs + ms })) };
    case "counts":
      return {
        ...answer,
        points: answer.points.map((point) => ({
          ...point,
          fromMs: point.fromMs + ms,
          toMs: point.toMs + ms,
        })),
      };
    default:
      return answer;
  }
}
