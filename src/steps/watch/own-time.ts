import type { Clock } from "../../lib/clock.ts";
import { formatDuration } from "../../lib/duration.ts";
import type { SeriesAnswer, SignalSource } from "../../model/signal-source.ts";
import type { WatchContext } from "./facts.ts";

/** A clock that is set by less than this is read as it is. */
const TOLD_MS = 1_000;

/**
 * The context of a watch whose time never goes back: when the machine's clock is set back, time goes on from where it was as
 * long as this process lives, and from `lastMs`, when it was last looked, in the next one. Set forward, it is as after an interruption.
 * Sources with history are asked by this time; what others say of now is said of now.
 */
export function byOwnTime(context: WatchContext, lastMs = -Infinity): WatchContext {
  const clock = steadyClock(context.clock, lastMs, (backMs) =>
    context.progress(
      `the clock of this machine was set back by ${formatDuration(backMs)}; the watch goes on by elapsed time`,
    ),
  );
  const aheadMs = (): number => clock.now().getTime() - context.clock.now().getTime();
  const sources = Object.entries(context.sources).map(
    ([name, source]) => [name, ofNow(source, aheadMs)] as const,
  );
  return { ...context, clock, sources: Object.fromEntries(sources) };
}

function steadyClock(clock: Clock, lastMs: number, tell: (backMs: number) => void): Clock {
  let ownMs = lastMs;
  let monotonicMs = clock.monotonicMs();
  let isTold = false;
  return {
    ...clock,
    now() {
      const wallMs = clock.now().getTime();
      const beforeMs = monotonicMs;
      monotonicMs = clock.monotonicMs();
      const elapsedMs = ownMs + monotonicMs - beforeMs;
      ownMs = wallMs >= ownMs ? wallMs : elapsedMs;
      const backMs = ownMs - wallMs;
      if (backMs >= TOLD_MS && !isTold) tell(backMs);
      isTold = backMs >= TOLD_MS;
      return new Date(ownMs);
    },
  };
}

/** A source that knows only the present gives its answer the machine's time, which may be behind. */
function ofNow(source: SignalSource, aheadMs: () => number): SignalSource {
  if (source.traits.history === "range") return source;
  return {
    name: source.name,
    kind: source.kind,
    traits: source.traits,
    gives: (metric) => source.gives(metric),
    check: (metrics, release, signal) => source.check(metrics, release, signal),
    async query(question, signal) {
      const answer = await source.query(question, signal);
      return movedBy(aheadMs(), answer);
    },
  };
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
