import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Look } from "../../../src/watch/fold/look.ts";
import type { RuleVerdict } from "../../../src/watch/fold/rule-verdict.ts";
import { judgeWatch } from "../../../src/watch/fold/watch-state.ts";
import { RANDOM_LOG, RANDOM_LOG_LIMIT_MS, type RandomLog, type RandomRule } from "./random-log.ts";
import { folded, MINUTE } from "./simulated-watch.ts";

describe("a hundred thousand random logs", () => {
  it(
    "never pass without evidence, and never fail without a reason",
    () => {
      const seen = { PASS: 0, FAIL: 0, INCONCLUSIVE: 0, BLIND: 0, PENDING: 0 };
      const passed = new Map<RandomRule["evidence"], number>();
      fc.assert(
        fc.property(RANDOM_LOG, (log) => {
          const { watch, looks, nowMs, endMs, rule } = log;
          const { rules } = judgeWatch(watch, folded(watch, looks), { nowMs, endMs });
          const { verdict } = rules["r"]!;
          seen[verdict]++;
          if (verdict === "PASS") {
            passed.set(rule.evidence, (passed.get(rule.evidence) ?? 0) + 1);
            expectEvidence(log);
          }
          if (verdict === "FAIL") expectReason(log, rules["r"]!);
        }),
        { numRuns: 100_000, seed: 20_240_229 },
      );
      // They are no logs of one kind only.
      expect(Math.min(...Object.values(seen))).toBeGreaterThan(1000);
      expect(passed.size).toBe(8);
      expect(Math.min(...passed.values())).toBeGreaterThan(200);
    },
    RANDOM_LOG_LIMIT_MS,
  );
});

/** What a pass must rest on, from the log alone. */
function expectEvidence({ rule, answered, nowMs, endMs }: RandomLog): void {
  expect(nowMs).toBeGreaterThanOrEqual(endMs);
  const inside = answered.filter(({ toMs }) => toMs <= endMs + MINUTE);
  const seenMs = inside.reduce(
    (sum, { fromMs, toMs }) => sum + Math.max(0, Math.min(toMs, endMs) - fromMs),
    0,
  );
  expect(seenMs).toBeGreaterThanOrEqual(0.95 * endMs);
  const { forMs = Infinity, leastRequests = 0 } = rule;
  const window = inside.filter(({ toMs }) => toMs > endMs - forMs);
  const [bad, total] = [badOf(rule, window), totalOf(window)];
  expect(total).toBeGreaterThanOrEqual(leastRequests);
  switch (rule.evidence) {
    case "sequential":
      // Without an error in them fewer would be seen one time in twenty with three times the target.
      expect(total).toBeGreaterThanOrEqual(requestsWithoutError(raised(rule.mostTarget)));
      break;
    case "proof":
      expect(oddsOfSoFew(bad, total, rule.mostTarget)).toBeLessThanOrEqual(0.05 + 1e-9);
      break;
    case "control":
      expect(total).toBeGreaterThanOrEqual(3);
      expect(controlOf(inside)).toBeGreaterThanOrEqual(3);
      break;
    case "control proof":
      expect(total).toBeGreaterThanOrEqual(3);
      expect(
        badOf(
          rule,
          inside.map(({ control, ...look }) => ({ ...look, seen: control! })),
        ),
      ).toBeGreaterThan(0);
      break;
    case "literal share":
      expect(literalBreaches(inside, 2 * MINUTE, 50).longestMs).toBeLessThan(3 * MINUTE);
      expect(literalBreaches(inside, 2 * MINUTE, 50).isLast).toBe(false);
      break;
    case "gauge":
      expect(heldMs(inside, (value) => value > 90)).toBeLessThan(2 * MINUTE);
      expect(valueOf(inside.at(-1)!)).toBeLessThanOrEqual(90);
      break;
    case "latency":
      for (const look of window) expect(valueOf(look)).toBeLessThan(500);
      break;
    case "events":
      expect(inside.every(({ seen }) => seen.state === "events" && seen.count === 0)).toBe(true);
      break;
  }
}

/** What a failure must rest on. */
function expectReason({ rule, answered }: RandomLog, { reason }: RuleVerdict): void {
  expect(reason).not.toContain("NaN");
  switch (rule.evidence) {
    case "sequential":
    case "literal share":
    case "control":
      // Some look was worse than what is allowed: without a bad request there is none.
      expect(answered.some((look) => badOf(rule, [look]) > rule.leastTarget * totalOf([look]))).toBe(true);
      break;
    case "proof":
    case "control proof":
      expect(badOf(rule, answered)).toBeGreaterThan(0);
      break;
    case "gauge":
      expect(heldMs(answered, (value) => value > 90)).toBeGreaterThanOrEqual(2 * MINUTE);
      break;
    case "latency":
      expect(answered.some((look) => valueOf(look) >= 500)).toBe(true);
      break;
    case "events":
      expect(answered.some(({ seen }) => seen.state === "events" && seen.count > 0)).toBe(true);
      break;
  }
}

function badOf({ isFlipped = false }: RandomRule, looks: readonly Look[]): number {
  return looks.reduce(
    (sum, { seen }) => sum + (seen.state !== "counts" ? 0 : isFlipped ? seen.total - seen.bad : seen.bad),
    0,
  );
}

function totalOf(looks: readonly Look[]): number {
  return looks.reduce((sum, { seen }) => sum + (seen.state === "counts" ? seen.total : 0), 0);
}

function controlOf(looks: readonly Look[]): number {
  return looks.reduce((sum, { control }) => sum + (control?.state === "counts" ? control.total : 0), 0);
}

/** In percent of the maximum, or plainly. */
function valueOf({ seen }: Look): number {
  if (seen.state !== "value") throw new Error(`${seen.state} is no value`);
  return seen.max === undefined ? seen.value : (100 * seen.value) / seen.max;
}

function raised(target: number): number {
  return 3 * target < 0.9 ? 3 * target : 1 - (1 - target) / 3;
}

/** With so many requests and this share at least one of them is bad, nineteen times of twenty. */
function requestsWithoutError(share: number): number {
  return Math.log(0.05) / Math.log(1 - share);
}

/** The odds of at most `bad` of `total`, each with odds of `share`, added up one by one. */
function oddsOfSoFew(bad: number, total: number, share: number): number {
  let log = total * Math.log(1 - share);
  let odds = Math.exp(log);
  for (let count = 1; count <= bad; count++) {
    log += Math.log((total - count + 1) / count) + Math.log(share / (1 - share));
    odds += Math.exp(log);
  }
  return odds;
}

/** For how long looks one after another were all like that, at the longest. */
function heldMs(looks: readonly Look[], isBad: (value: number) => boolean): number {
  let [longestMs, sinceMs] = [0, Infinity];
  let heldSoFarMs = 0;
  for (const look of looks) {
    const { fromMs, toMs } = look;
    if (!isBad(valueOf(look))) [sinceMs, heldSoFarMs] = [Infinity, 0];
    else if (sinceMs === Infinity) sinceMs = toMs;
    else if (toMs - fromMs <= 2 * MINUTE) heldSoFarMs += toMs - fromMs;
    longestMs = Math.max(longestMs, heldSoFarMs);
  }
  return longestMs;
}

/** "> 1 %" over a window, literally, look by look. */
function literalBreaches(
  looks: readonly Look[],
  windowMs: number,
  least: number,
): { longestMs: number; isLast: boolean } {
  let longestMs = 0;
  let held: number | undefined;
  for (const [index, { fromMs, toMs }] of looks.entries()) {
    const upTo = looks.slice(0, index + 1);
    const inWindow = upTo.filter((look) => look.toMs > toMs - windowMs);
    const total = totalOf(inWindow);
    const bad = inWindow.reduce((sum, { seen }) => sum + (seen.state === "counts" ? seen.bad : 0), 0);
    const isBreach = total >= least && bad > 0.01 * total;
    held = isBreach
      ? held === undefined
        ? 0
        : held + (toMs - fromMs > 3 * MINUTE ? 0 : toMs - fromMs)
      : undefined;
    longestMs = Math.max(longestMs, held ?? 0);
  }
  return { longestMs, isLast: held !== undefined };
}
