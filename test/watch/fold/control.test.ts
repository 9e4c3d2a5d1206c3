import { describe, expect, it } from "vitest";
import type { Look, Seen } from "../../../src/watch/fold/look.ts";
import type { RuleState } from "../../../src/watch/fold/rule-state.ts";
import type { RuleVerdict } from "../../../src/watch/fold/rule-verdict.ts";
import type { WatchDefinition } from "../../../src/watch/fold/definition.ts";
import { splitWith, wrongSplit } from "../../../src/watch/fold/split.ts";
import { initialWatch, takeLook } from "../../../src/watch/fold/watch-state.ts";
import { seededRandom, type SeededRandom } from "../../../src/watch/statistics/seeded-random.ts";
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
  type RuleSetup,
} from "./simulated-watch.ts";

interface Two {
  release: number;
  control: number;
  perMinute?: number;
  controlPerMinute?: number;
  durationMs?: number;
  everyMs?: number;
}

/** Looks at two versions with these shares. */
function twoOf(
  random: SeededRandom,
  {
    release,
    control,
    perMinute = 300,
    controlPerMinute = perMinute,
    durationMs = HOUR,
    everyMs = MINUTE,
  }: Two,
): Look[] {
  const one = (mean: number, share: number): ReturnType<typeof counts> => {
    const bad = random.poisson(mean * share);
    return counts(bad, bad + random.poisson(mean * (1 - share)));
  };
  const minutes = everyMs / MINUTE;
  return looksOf({ fromMs: 0, toMs: durationMs, everyMs }, () => ({
    seen: one(perMinute * minutes, release),
    control: one(controlPerMinute * minutes, control),
  }));
}

function run(
  rule: string | RuleSetup,
  two: Two,
  seed = 1,
): { state: RuleState; verdict: RuleVerdict; watch: WatchDefinition } {
  const watch = watchOf([rule], { durationMs: two.durationMs ?? HOUR });
  const state = folded(watch, twoOf(seededRandom(seed), two));
  return { watch, state: stateOf(state), verdict: verdictOf(watch, state) };
}

describe("a comparison with the previous release at the same time", () => {
  const TWICE = "r: when error_rate > control * 2 floor 0.2% -> rollback";

  it("lets an equal release pass, and one that disturbs both alike", () => {
    expect(run(TWICE, { release: 0.01, control: 0.01 }).verdict).toMatchObject({ verdict: "PASS" });
    expect(run(TWICE, { release: 0.1, control: 0.1 }).verdict).toMatchObject({ verdict: "PASS" });
  });

  it("stops a release that is ten times as bad, and names both", () => {
    const { verdict, state } = run(TWICE, { release: 0.05, control: 0.005 });
    expect(verdict).toMatchObject({
      verdict: "FAIL",
      reason: expect.stringMatching(
        /^error_rate > control \* 2 floor 0\.2%: [\d.]+ % \([\d,]+ of [\d,]+ beside \d+ of [\d,]+\), evidence \d+ of 100$/,
      ) as string,
    });
    expect(state.failure!.control!.total).toBeGreaterThan(0);
  });

  it("has nothing against a rise below the floor", () => {
    const floor = TWICE.replace("0.2%", "5%");
    expect(run(floor, { release: 0.02, control: 0.001 }).verdict).toMatchObject({ verdict: "PASS" });
    expect(run(floor, { release: 0.3, control: 0.001 }).verdict).toMatchObject({ verdict: "FAIL" });
  });

  it("takes percentage points over the control's share", () => {
    const points = "r: when error_rate > control + 2pp -> rollback";
    expect(run(points, { release: 0.012, control: 0.01, perMinute: 600 }).verdict).toMatchObject({
      verdict: "PASS",
    });
    expect(run(points, { release: 0.09, control: 0.01 }).verdict).toMatchObject({ verdict: "FAIL" });
  });

  it.each([
    ["r: when error_rate > control * 2 -> rollback", { release: 0.02, control: 0.01 }],
    ["r: when error_rate > control + 1pp -> rollback", { release: 0.02, control: 0.01 }],
    ["r: when cache_hit < control * 0.9 -> rollback", { release: 0.81, control: 0.9 }],
  ])("is hardly ever wrong where the release is as bad as it may be: %s", (rule, shares) => {
    const watch = watchOf([rule], { durationMs: 4 * HOUR });
    let fired = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const looks = twoOf(seededRandom(seed), { ...shares, durationMs: 4 * HOUR });
      if (stateOf(folded(watch, looks)).failure !== null) fired++;
    }
    expect(fired).toBeLessThanOrEqual(3);
  });

  it("compares hits of a cache by what the control misses", () => {
    const rule = "r: when cache_hit < control * 0.9 -> rollback";
    expect(run(rule, { release: 0.9, control: 0.9, perMinute: 600 }).verdict).toMatchObject({
      verdict: "PASS",
    });
    expect(run(rule, { release: 0.5, control: 0.9 }).verdict).toMatchObject({ verdict: "FAIL" });
  });

  it("does not pass a comparison that could not have seen a difference, however much the release had", () => {
    const two = { release: 0.01, control: 0.01, perMinute: 2000, controlPerMinute: 2, durationMs: HOUR };
    expect(run(TWICE, two).verdict).toMatchObject({ verdict: "INCONCLUSIVE" });
  });

  it.each([0.002, 0.12])(
    "does not pass a release of percentage points while the control had too few requests to see it (%d)",
    (share) => {
      const points = "r: when error_rate > control + 3pp -> rollback";
      const two = {
        release: share,
        control: 0,
        perMinute: 200,
        controlPerMinute: 10,
        durationMs: 15 * MINUTE,
      };
      const { verdict, state } = run(points, two);
      expect(state.failure).toBeNull();
      expect(verdict).toMatchObject({ verdict: "INCONCLUSIVE" });
    },
  );

  it("cannot be decided without a request of the control", () => {
    expect(run(TWICE, { release: 0.01, control: 0.01, controlPerMinute: 0 }).verdict).toMatchObject({
      verdict: "INCONCLUSIVE",
      reason: expect.stringContaining("there is nothing to compare with") as string,
    });
  });

  it("is taken literally over one window of both", () => {
    const rule = "r: when error_rate over 5m > control * 2 strictly -> rollback";
    // A look of 10 s alone has no error of the control in it.
    const watch = watchOf([rule]);
    const looks = looksOf({ fromMs: 0, toMs: 10 * MINUTE, everyMs: 10 * SECOND }, (toMs) => ({
      seen: counts(1, 100),
      control: counts(toMs % MINUTE === 0 ? 6 : 0, 100),
    }));
    // The first minute has none of its errors yet.
    expect(stateOf(folded(watch, looks)).failure).toMatchObject({ atMs: 10 * SECOND });
    const later = stateOf(
      folded(
        watch,
        looks.map((look, index) => (index === 0 ? { ...look, control: counts(6, 100) } : look)),
      ),
    );
    expect(later).toMatchObject({ failure: null, tick: { state: "OK", value: 1 } });
  });
});

describe("requests that are not shared out as they should be", () => {
  const rule: RuleSetup = { text: "r: when error_rate > control * 2 -> rollback", exposure: 0.5 };

  it("make a comparison inconclusive, also where it would act", () => {
    const { verdict, state } = run(rule, {
      release: 0.1,
      control: 0.005,
      perMinute: 400,
      controlPerMinute: 200,
    });
    expect(state.failure?.atMs ?? Infinity).toBe(Infinity);
    expect(verdict).toMatchObject({
      verdict: "INCONCLUSIVE",
      reason: expect.stringContaining("traffic was not shared out as intended") as string,
    });
  });

  it("keep a rule from acting before they could have been seen, and from passing", () => {
    const points = "r: when error_rate > control + 2pp -> rollback";
    for (const text of [points, points.replace(" ->", " strictly ->")]) {
      const watch = watchOf([{ ...rule, text }]);
      const looks = twoOf(seededRandom(1), { release: 0.5, control: 0.005, durationMs: 30 * MINUTE });
      const unchecked = folded(watchOf([text]), looks);
      expect(stateOf(unchecked).failure!.atMs).toBeLessThan(9 * MINUTE);
      expect(stateOf(folded(watch, looks)).failure).toMatchObject({ atMs: 10 * MINUTE });
    }
    const short = { release: 0.01, control: 0.01, perMinute: 3000, durationMs: 9 * MINUTE };
    expect(run(rule, short).verdict).toMatchObject({
      verdict: "INCONCLUSIVE",
      reason: expect.stringMatching(
        /^whether traffic was shared out as intended is known after 10 looks, and there were 9; /,
      ) as string,
    });
  });

  it("are told before the end", () => {
    const watch = watchOf([rule]);
    const state = folded(
      watch,
      twoOf(seededRandom(1), {
        release: 0.01,
        control: 0.01,
        perMinute: 400,
        controlPerMinute: 200,
        durationMs: 15 * MINUTE,
      }),
    );
    expect(verdictOf(watch, state, { nowMs: 15 * MINUTE })).toMatchObject({ verdict: "INCONCLUSIVE" });
  });

  it("are told of an expectation and of a literal rule too", () => {
    for (const text of [
      "r: expect error_rate < control * 2 -> hold",
      "r: when error_rate > control * 2 strictly -> hold",
    ])
      expect(
        run({ ...rule, text }, { release: 0.01, control: 0.03, perMinute: 400, controlPerMinute: 200 })
          .verdict.reason,
      ).toContain("not shared out");
  });

  it("are not concluded from chance, nor from few requests", () => {
    expect(run(rule, { release: 0.01, control: 0.01 }).verdict).toMatchObject({ verdict: "PASS" });
    const few: RuleSetup = { ...rule, exposure: 0.05 };
    // Of some twenty requests none came to the release that should have one in twenty.
    const { verdict } = run(few, {
      release: 0,
      control: 0,
      perMinute: 0,
      controlPerMinute: 2,
      durationMs: 12 * MINUTE,
    });
    expect(verdict.reason).not.toContain("not shared out");
    const many = run(few, {
      release: 0,
      control: 0,
      perMinute: 0,
      controlPerMinute: 60,
      durationMs: 12 * MINUTE,
    });
    expect(many.verdict.reason).toContain("not shared out");
  });

  it("are not concluded from visitors who come with many requests at a time", () => {
    const watch = watchOf([rule], { durationMs: 4 * HOUR });
    const random = seededRandom(3);
    const looks = looksOf({ fromMs: 0, toMs: 4 * HOUR }, () => ({
      seen: counts(0, 40 * random.poisson(2)),
      control: counts(0, 40 * random.poisson(2)),
    }));
    const { reason } = verdictOf(watch, folded(watch, looks));
    expect(reason).not.toContain("not shared out");
  });
});

describe("new visitors that are not shared out as they should be", () => {
  const rule: RuleSetup = { text: "r: when error_rate > control + 2pp -> rollback", exposure: 0.5 };
  const at = (total: number, visitors?: number): Seen => ({ ...counts(0, total), ...given(visitors) });
  const given = (visitors?: number): { visitors?: number } => (visitors === undefined ? {} : { visitors });
  /** Looks one after another at what each side had: requests, and new visitors. */
  const looking = (sides: readonly [release: Seen, control: Seen][]): Look[] =>
    looksOf({ fromMs: 0, toMs: sides.length * 10 * SECOND, everyMs: 10 * SECOND }, (toMs) => {
      const [seen, control] = sides[toMs / (10 * SECOND) - 1]!;
      return { seen, control };
    });
  const watch = watchOf([rule]);
  const reasonAfter = (sides: readonly [Seen, Seen][], state = initialWatch(watch)): string =>
    verdictOf(watch, folded(watch, looking(sides), state)).reason;
  const one = { bad: 0, total: 10 };
  const often = <T>(times: number, one: T): T[] => Array.from({ length: times }, () => one);

  it("are what counts: of few who stay and send much, some more came to the release", () => {
    const steadily = often(60, [at(345, 0), at(255, 0)] as [Seen, Seen]);
    expect(reasonAfter([[at(345, 23), at(255, 17)], ...steadily])).not.toContain("not shared out");
    // Without knowing of visitors the same requests speak against it.
    const unknown = often(61, [at(345), at(255)] as [Seen, Seen]);
    expect(reasonAfter(unknown)).toContain("not shared out as intended");
  });

  it("are refused whatever their requests say, with the numbers that spoke, from the first look on", () => {
    const sides = often(3, [at(300, 97), at(300, 40)] as [Seen, Seen]);
    expect(reasonAfter(sides)).toMatch(
      /^traffic was not shared out as intended, so that nothing can be compared: of 411 new clients 291 came to the release, 206 were expected; /,
    );
    const lost = looking(often(3, [at(300, 5), at(300, 60)] as [Seen, Seen]));
    expect(verdictOf(watch, folded(watch, lost.slice(0, 1))).reason).toContain(
      "of 65 new clients 5 came to the release, 33 were expected",
    );
    expect(verdictOf(watch, folded(watch, lost), { nowMs: 30 * SECOND }).verdict).toBe("INCONCLUSIVE");
  });

  it("keep a rule from acting while they are", () => {
    const bad = (visitors: number): Seen => ({ ...counts(100, 200), ...given(visitors) });
    const acts = folded(watch, looking(often(30, [bad(5), at(200, 5)])));
    expect(stateOf(acts).failure).not.toBeNull();
    const refused = folded(watch, looking(often(30, [bad(50), at(200, 5)])));
    expect(stateOf(refused).failure).toBeNull();
  });

  it("let a rule act before ten looks once enough of them came", () => {
    const bad = (visitors: number): Seen => ({ ...counts(100, 200), ...given(visitors) });
    const acts = (looks: number, visitors: number): boolean => {
      const sides = often(looks, [bad(visitors), at(200, visitors)] as [Seen, Seen]);
      return stateOf(folded(watch, looking(sides))).failure !== null;
    };
    expect(acts(4, 0)).toBe(false);
    expect(acts(4, 1)).toBe(false);
    expect(acts(4, 3)).toBe(true);
    expect(acts(10, 0)).toBe(true);
  });

  it("are not concluded where nobody new came", () => {
    const sides = often(60, [at(700, 0), at(100, 0)] as [Seen, Seen]);
    expect(reasonAfter(sides)).not.toContain("not shared out");
  });

  it("are hardly ever concluded from fair draws, though looked at after each", () => {
    const { test } = watch.rules[0]!.sources[0]!;
    const { split: none } = stateOf(initialWatch(watch));
    let refused = 0;
    for (let seed = 1; seed <= 3000; seed++) {
      const random = seededRandom(seed);
      let split = none!;
      for (let draw = 0; draw < 200; draw++) {
        const release = random.uniform() < 0.5 ? 1 : 0;
        const visitors = { release, control: 1 - release };
        split = splitWith(split, { fromMs: 0, toMs: 1, release: one, control: one, visitors });
        if (wrongSplit(test, split) === undefined) continue;
        refused++;
        break;
      }
    }
    expect(refused).toBeLessThanOrEqual(6);
  });

  it("count from when both sides are known on, where a source did not know of them before", () => {
    const before = folded(watch, looking(often(30, [at(345), at(255)] as [Seen, Seen])));
    expect(stateOf(before).split).not.toHaveProperty("visitors");
    expect(verdictOf(watch, before).reason).toMatch(
      /: of 18,000 requests 10,350 came to the release, 9,000 were expected; /,
    );
    const half: Look = { ...looking([[at(345, 60), at(255)]])[0]!, fromMs: 300 * SECOND, toMs: 310 * SECOND };
    const oneSided = takeLook(watch, before, half);
    expect(stateOf(oneSided).split).not.toHaveProperty("visitors");
    const whole: Look = {
      ...looking([[at(345, 3), at(255, 2)]])[0]!,
      fromMs: 310 * SECOND,
      toMs: 320 * SECOND,
    };
    const known = takeLook(watch, oneSided, whole);
    expect(stateOf(known).split?.visitors).toEqual({ release: 3, control: 2 });
    expect(verdictOf(watch, known).reason).not.toContain("not shared out");
  });

  it.each([NaN, -1, Infinity])("are no number that cannot be: %d", (visitors) => {
    const state = stateOf(folded(watch, looking([[at(10, visitors), at(10, 1)]])));
    expect(state).toMatchObject({ seenMs: 0, tick: { state: "NODATA" } });
  });
});
