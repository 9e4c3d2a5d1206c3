import { describe, expect, it } from "vitest";
import { thresholdsOf } from "../../../src/watch/fold/confident.ts";
import type { Look, Seen } from "../../../src/watch/fold/look.ts";
import type { RuleState } from "../../../src/watch/fold/rule-state.ts";
import { isHeld, type RuleVerdict } from "../../../src/watch/fold/rule-verdict.ts";
import { initialWatch } from "../../../src/watch/fold/watch-state.ts";
import { addBlock, evidenceValue, noEvidence } from "../../../src/watch/statistics/block-evidence.ts";
import { seededRandom } from "../../../src/watch/statistics/seeded-random.ts";
import { plannedBlocks } from "../../../src/watch/statistics/spending.ts";
import {
  counts,
  folded,
  HOUR,
  looksOf,
  MINUTE,
  SECOND,
  stateOf,
  verdictOf,
  watchOf,
} from "./simulated-watch.ts";

const RULE = "r: when error_rate > 1% for 5m -> rollback";

describe("a rule that acts on evidence", () => {
  it("rolls a release with a share of 8 % back within minutes, and says by how much", () => {
    const watch = watchOf([RULE], { everyMs: 15 * SECOND });
    const random = seededRandom(1);
    const looks = looksOf({ fromMs: 0, toMs: 30 * MINUTE, everyMs: 15 * SECOND }, () =>
      counts(random.poisson(2.4), 30),
    );
    const state = folded(watch, looks);
    expect(stateOf(state).failure).toMatchObject({ evidence: { threshold: 100 } });
    expect(stateOf(state).failure!.atMs).toBeLessThanOrEqual(3 * MINUTE);
    expect(verdictOf(watch, state)).toMatchObject({ verdict: "FAIL" });
    expect(verdictOf(watch, state).reason).toMatch(
      /^error_rate > 1%: [\d.]+ % \(\d+ of \d+\), evidence \d+ of 100$/,
    );
  });

  it("says what is so now, not what was in the mean of a day", () => {
    const watch = watchOf([RULE], { durationMs: 24 * HOUR });
    const looks = looksOf({ fromMs: 0, toMs: 24 * HOUR }, (toMs) => counts(toMs > 12 * HOUR ? 10 : 0, 100));
    const { failure } = stateOf(folded(watch, looks));
    expect(failure!.value).toBeGreaterThan(1);
    expect(failure!.count).toBe(500);
  });

  it("keeps what the literal rule would have done beside it", () => {
    const watch = watchOf([RULE], { durationMs: HOUR });
    const looks = looksOf({ fromMs: 0, toMs: HOUR }, (toMs) => counts(toMs <= 8 * MINUTE ? 2 : 0, 120));
    const state = folded(watch, looks);
    expect(stateOf(state).failure).toBeNull();
    expect(stateOf(state).literal.failedAtMs).toBe(6 * MINUTE);
  });

  it("holds a release that has a tenth of the evidence against it at its end", () => {
    const watch = watchOf([RULE], { durationMs: HOUR });
    const looks = looksOf({ fromMs: 0, toMs: HOUR }, (toMs) => counts(toMs > 56 * MINUTE ? 20 : 0, 120));
    const state = folded(watch, looks);
    const { confident } = stateOf(state);
    expect(confident!.value).toBeGreaterThan(10);
    expect(confident!.value).toBeLessThan(100);
    expect(isHeld(watch, watch.rules[0]!.sources[0]!, stateOf(state))).toBe(true);
    expect(verdictOf(watch, state)).toMatchObject({
      verdict: "INCONCLUSIVE",
      reason: expect.stringMatching(/^there is some evidence against it; /) as string,
    });
  });

  it("concludes nothing below the sample that it names", () => {
    const rule = "r: when auth_fail_rate > 5% min 20 events -> page";
    const watch = watchOf([rule]);
    const looks = looksOf({ fromMs: 0, toMs: 30 * MINUTE }, () => counts(2, 2));
    const states = [9, 10].map((many) => stateOf(folded(watch, looks.slice(0, many))));
    expect(states[0]!.confident!.value).toBeGreaterThan(100);
    expect(states.map(({ failure }) => failure?.atMs)).toEqual([undefined, 10 * MINUTE]);
  });

  it("divides the risk among the gating rules, and takes the odds that a rule names", () => {
    const others = ["a: when error_rate > 2% -> hold", "b: expect error_rate < 1% -> fail-gate"];
    const watch = watchOf([RULE, ...others, "c: when error_rate > 1% -> page"]);
    expect(watch.gatingRules).toBe(3);
    expect(thresholdsOf(watch, 0.01)).toEqual({ roll: 300, hold: 30 });
    expect(thresholdsOf(watch, 0.1)).toEqual({ roll: 30, hold: 6 });
    expect(
      watchOf(["r: when error_rate > 1% confident 5% -> rollback"]).rules[0]!.sources[0]!.test,
    ).toMatchObject({ alpha: 0.05 });
  });

  it("acts on too few hits of a cache as on too many misses", () => {
    const watch = watchOf(["r: when cache_hit < 80% -> rollback"], { durationMs: HOUR });
    const verdictWith = (hits: number): RuleVerdict =>
      verdictOf(
        watch,
        folded(
          watch,
          looksOf({ fromMs: 0, toMs: HOUR }, () => counts(hits, 200)),
        ),
      );
    expect(verdictWith(190)).toMatchObject({ verdict: "PASS", reason: "95 %, 11,400 of 12,000 in all" });
    expect(verdictWith(100)).toMatchObject({
      verdict: "FAIL",
      reason: expect.stringMatching(/^cache_hit < 80%: 50 % \([\d,]+ of [\d,]+\), evidence/) as string,
    });
    expect(watch.rules[0]!.sources[0]!.test).toMatchObject({
      target: expect.closeTo(0.2, 12) as number,
      isFlipped: true,
    });
  });

  it("says that an error budget burns by evidence and by both windows", () => {
    const budget = "r: when error_rate > burn(99.9%, 30d) * 14.4 over 1h and 5m -> page";
    const after = (rule: string, badUntil: number): RuleState =>
      stateOf(
        folded(
          watchOf([rule], { durationMs: HOUR }),
          looksOf({ fromMs: 0, toMs: 30 * MINUTE }, (toMs) => counts(toMs <= badUntil ? 60 : 0, 600)),
        ),
      );
    expect(after(budget, HOUR).failure).toMatchObject({ value: 10, evidence: { threshold: 100 } });
    // All the evidence that is needed, and enough requests only when the short window is calm again.
    const late = after(budget.replace("5m", "5m min 14900 requests"), 20 * MINUTE);
    expect(late.confident!.value).toBeGreaterThan(100);
    expect(late).toMatchObject({ failure: null, tick: { state: "OK" }, sum: { total: 18_000 } });
  });
});

describe("the blocks of evidence", () => {
  /** As the statistics do it for a watch whose looks are never late. */
  function byBlocks(random: () => Seen & { state: "counts" }, durationMs: number): number {
    return evidenceValue(
      plannedBlocks(durationMs).reduce(
        (evidence, { startWeight }) => addBlock(evidence, random(), 0.01, startWeight),
        noEvidence,
      ),
    );
  }

  function drawing(seed: number): () => Seen & { state: "counts" } {
    const random = seededRandom(seed);
    return () => ({ state: "counts", bad: random.poisson(0.2), total: 20 + random.poisson(5) });
  }

  it("are those that were planned, when there is a look at the end of each", () => {
    const watch = watchOf([RULE], { durationMs: 3 * HOUR });
    const draw = drawing(5);
    const looks = plannedBlocks(3 * HOUR).map(({ fromMs, lengthMs }): Look => ({
      rule: "r",
      source: "prom",
      fromMs,
      toMs: fromMs + lengthMs,
      askedAtMs: 0,
      seen: draw(),
    }));
    expect(stateOf(folded(watch, looks)).confident!.value).toBe(byBlocks(drawing(5), 3 * HOUR));
  });

  it("are gathered from shorter looks, and are as long as longer ones", () => {
    const watch = watchOf([RULE], { durationMs: HOUR });
    const every = (everyMs: number): unknown[] =>
      stateOf(
        folded(
          watch,
          looksOf({ fromMs: 0, toMs: HOUR, everyMs }, () => counts(0, everyMs / SECOND)),
        ),
      ).confident!.epochs.map(({ blocks, total }) => [blocks, total]);
    expect(every(5 * SECOND)).toEqual([
      [30, 300],
      [50, 1500],
      [30, 1800],
    ]);
    // The last 40 s are no block of a minute.
    expect(every(20 * SECOND)).toEqual([
      [15, 300],
      [38, 1520],
      [29, 1740],
    ]);
    expect(every(2 * MINUTE)).toEqual([
      [3, 360],
      [12, 1440],
      [15, 1800],
    ]);
  });

  it("stake no more than one in all, whatever the looks", () => {
    const random = seededRandom(8);
    for (let run = 0; run < 8; run++) {
      const watch = watchOf([RULE], { durationMs: 24 * HOUR, minBlockMs: run * 17 * SECOND });
      let atMs = 0;
      const looks: Look[] = [];
      while (atMs < 24 * HOUR) {
        const fromMs = atMs;
        atMs += 1 + Math.floor(random.uniform() * (run + 2) * 20 * SECOND);
        looks.push({ rule: "r", source: "prom", fromMs, toMs: atMs, askedAtMs: atMs, seen: counts(0, 0) });
      }
      // Nothing was seen in any block: the evidence is what was staked.
      const { value, peak } = stateOf(folded(watch, looks)).confident!;
      expect(value).toBeLessThanOrEqual(1 + 1e-9);
      expect(peak.value).toBe(value);
    }
  });

  it("see a regression that begins in the 12th hour", () => {
    const watch = watchOf([RULE], { durationMs: 24 * HOUR });
    const random = seededRandom(4);
    const looks = looksOf({ fromMs: 0, toMs: 24 * HOUR }, (toMs) =>
      counts(random.poisson(toMs > 12 * HOUR ? 6 : 0.12), 120),
    );
    expect(stateOf(folded(watch, looks)).failure!.atMs).toBeLessThanOrEqual(12 * HOUR + 10 * MINUTE);
  });

  it("go on in a watch that is prolonged", () => {
    const watch = watchOf([RULE]);
    const looks = looksOf({ fromMs: 0, toMs: 3 * HOUR }, (toMs) => counts(toMs > 50 * MINUTE ? 6 : 0, 100));
    expect(stateOf(folded(watch, looks)).failure!.atMs).toBeLessThan(65 * MINUTE);
  });
});

describe("the verdict of a rule that acts on evidence", () => {
  const verdictAt = (perMinute: number, durationMs = HOUR, rule = RULE): RuleVerdict => {
    const watch = watchOf([rule], { durationMs });
    return verdictOf(
      watch,
      folded(
        watch,
        looksOf({ fromMs: 0, toMs: durationMs }, () => counts(0, perMinute)),
      ),
    );
  };

  it("is a pass only when three times its target would have been seen", () => {
    expect(verdictAt(120)).toEqual({ verdict: "PASS", reason: "0 %, 0 of 7,200 in all" });
    expect(verdictAt(12)).toMatchObject({ verdict: "INCONCLUSIVE" });
  });

  it("says how many requests are missing, and with them it passes", () => {
    const { missingRequests, reason } = verdictAt(12);
    expect(missingRequests).toBeGreaterThan(100);
    expect(reason).toBe(
      `0 %, 0 of 720 in all; a share of 3 % could have gone unseen; ${missingRequests} more requests are needed`,
    );
    const enoughMs = Math.ceil((720 + missingRequests!) / 12 + 1) * MINUTE;
    expect(verdictAt(12, enoughMs)).toMatchObject({ verdict: "PASS" });
  });

  it("does not ask for more requests where no number of them would do", () => {
    expect(verdictAt(0)).toMatchObject({ verdict: "INCONCLUSIVE" });
    expect(verdictAt(1, HOUR, RULE.replace("1%", "0.001%")).missingRequests).toBeUndefined();
  });

  it("is inconclusive where nothing was seen, and pending before its end", () => {
    const watch = watchOf([RULE]);
    const good = looksOf({ fromMs: 0, toMs: 30 * MINUTE }, () => counts(0, 600));
    expect(verdictOf(watch, initialWatch(watch))).toMatchObject({ verdict: "PENDING" });
    expect(verdictOf(watch, initialWatch(watch), { nowMs: HOUR })).toMatchObject({ verdict: "INCONCLUSIVE" });
    expect(verdictOf(watch, folded(watch, good), { nowMs: 29 * MINUTE })).toMatchObject({
      verdict: "PENDING",
    });
    expect(verdictOf(watch, folded(watch, good))).toMatchObject({ verdict: "PASS" });
  });

  it("needs the time by which its end was put off, too", () => {
    const watch = watchOf([RULE]);
    const good = folded(
      watch,
      looksOf({ fromMs: 0, toMs: 30 * MINUTE }, () => counts(0, 600)),
    );
    expect(verdictOf(watch, good, { endMs: HOUR, nowMs: HOUR })).toMatchObject({ verdict: "PENDING" });
    expect(verdictOf(watch, good, { endMs: HOUR, nowMs: 2 * HOUR })).toMatchObject({
      verdict: "INCONCLUSIVE",
      reason: "seen for 30m 00s of 1h 00m",
    });
  });
});
