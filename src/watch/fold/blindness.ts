import type { RuleState } from "./rule-state.ts";

/** A rule that was not seen for longer than this, or at more looks than this, is blind; later in a watch there is more time. */
const EARLY_MS = 30 * 60_000;
const EARLY_BLIND_MS = 2 * 60_000;
const EARLY_BLIND_LOOKS = 8;
const LATE_BLIND_MS = 10 * 60_000;

/**
 * Whether not having been seen for so long means that nobody watches: two minutes or eight looks in the first half
 * hour, ten minutes later, and at once where asking again is of no use.
 */
export function isBlind(
  { sinceMs, looks, isLasting }: { sinceMs: number; looks: number; isLasting: boolean },
  startedAtMs: number,
  nowMs: number,
): boolean {
  if (isLasting) return true;
  const isEarly = nowMs - startedAtMs < EARLY_MS;
  return nowMs - sinceMs > blindAfterMs(startedAtMs, nowMs) || (isEarly && looks > EARLY_BLIND_LOOKS);
}

/** How long a rule may not be seen at that time of a watch before nobody watches it. */
export function blindAfterMs(startedAtMs: number, nowMs: number): number {
  return nowMs - startedAtMs < EARLY_MS ? EARLY_BLIND_MS : LATE_BLIND_MS;
}

/** Traffic of at least this much before, and none for this long from a source that is alive: something is wrong. */
const CLIFF_PER_MINUTE = 10;
const CLIFF_MS = 2 * 60_000;

/**
 * Whether requests stopped where they used to come, as far as it was seen up to `nowMs`: no request was counted, or the
 * source had nothing to say while it answered other questions. Never a reason to roll back by itself, see `on-nodata`.
 */
export function isTrafficCliff(
  { emptySinceMs, cursorMs, blind }: Pick<RuleState, "emptySinceMs" | "cursorMs" | "blind">,
  usualPerMinute: number | undefined,
  nowMs: number,
): boolean {
  if (usualPerMinute === undefined || usualPerMinute < CLIFF_PER_MINUTE) return false;
  const silent = blind?.silent ?? null;
  const sinceMs = emptySinceMs ?? silent?.sinceMs;
  if (sinceMs === undefined) return false;
  return Math.min(nowMs, silent?.untilMs ?? cursorMs) - sinceMs >= CLIFF_MS;
}
