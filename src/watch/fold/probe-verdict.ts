import { formatDuration } from "../../lib/duration.ts";
import { isBlind } from "./blindness.ts";
import type { RuleDefinition, WatchDefinition, WatchStage } from "./definition.ts";
import { inconclusive } from "./inconclusive.ts";
import type { ProbeState } from "./probe-state.ts";
import type { Moment, RuleVerdict } from "./rule-verdict.ts";

/** Of the times at which a probe should have been asked, at least at this share it must have answered. */
const MIN_ANSWERED = 0.95;

/** The verdict of a rule about a probe. It passes when it was asked to the end and answered well at last. */
export function judgeProbe(
  { startedAtMs, stages }: WatchDefinition,
  { rule, fromMs }: RuleDefinition,
  state: ProbeState | undefined,
  { nowMs, endMs, pausedMs = 0 }: Moment,
): RuleVerdict {
  if (state === undefined) return { verdict: "INCONCLUSIVE", reason: "was never asked" };
  const { failure, last, counts, unknownSinceMs, unknownLooks } = state;
  const times = rule.hold?.kind === "of" ? `, ${rule.hold.bad} of ${rule.hold.looks} times` : "";
  if (failure !== null) return { verdict: "FAIL", reason: `failed${times}: ${failure.reason}` };
  if (unknownSinceMs !== null) {
    const blindness = { sinceMs: unknownSinceMs, looks: unknownLooks, isLasting: false };
    if (isBlind(blindness, startedAtMs, nowMs) && last !== null && "reason" in last)
      return { verdict: "BLIND", reason: `could not be asked: ${last.reason}` };
  }
  const asked = counts.ok + counts.failed + counts.unknown;
  const text = `${counts.ok} of ${asked} answers good`;
  if (nowMs < endMs) return { verdict: "PENDING", reason: text };
  const everyMs = (stages.find(({ untilMs }) => endMs <= untilMs) ?? stages.at(-1))?.everyMs ?? 0;
  if (last === null || endMs - last.atMs > Math.max(MAX_LATE_MS, 3 * everyMs))
    return inconclusive(`was not asked to the end; ${text}`);
  const least = Math.floor(MIN_ANSWERED * timesToAsk(stages, fromMs, endMs - pausedMs));
  if (counts.ok + counts.failed < least)
    return inconclusive(
      counts.unknown > 0
        ? `could not be asked ${counts.unknown} of ${asked} times`
        : `was asked ${asked} times in ${formatDuration(endMs - fromMs)}`,
    );
  if (last.outcome !== "ok") return inconclusive(`the last answer was not good: ${last.reason}`);
  return { verdict: "PASS", reason: text };
}

const MAX_LATE_MS = 60_000;

/** How often a probe is asked by the cadence of the stages; the last one goes on when the watch is prolonged. */
function timesToAsk(stages: readonly WatchStage[], fromMs: number, endMs: number): number {
  return stages.reduce((times, stage, index) => {
    const untilMs = index === stages.length - 1 ? endMs : Math.min(endMs, stage.untilMs);
    return times + Math.max(0, untilMs - Math.max(fromMs, stage.fromMs)) / stage.everyMs;
  }, 0);
}
