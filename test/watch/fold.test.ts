import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accept, fold, initialState, type TickInput, type WatchState } from "../../src/watch/fold.ts";
import { finalVerdict, openBreaches } from "../../src/watch/verdict.ts";
import {
  blind,
  counted,
  counters,
  definitionOf,
  foldAll,
  probeOf,
  reading,
  ruleOf,
  START,
  steady,
} from "./samples.ts";

const definition = definitionOf();

function errorsStatus(state: WatchState): string {
  return state.rules.errors!.status.state;
}

describe("a rule", () => {
  it("is ok while the value stays within the limit", () => {
    expect(foldAll(definition, steady(5, 100, 1)).rules.errors!.status).toEqual({
      state: "ok",
      value: 1,
      requests: 200,
    });
  });

  it("breaks only after the value was over the limit at every reading for the whole time", () => {
    const ticks = [counted(0, 0, 0), counted(1000, 100, 5), counted(2000, 200, 10)];
    expect(foldAll(definition, ticks).rules.errors!.breach).toBeNull();
    expect(foldAll(definition, [...ticks, counted(3000, 300, 15)]).rules.errors!.breach).toEqual({
      atMs: START + 3000,
      heldMs: 2000,
      value: 5,
      requests: 200,
    });
  });

  it("starts over after one good reading", () => {
    const bad = [counted(0, 0, 0), counted(1000, 100, 2), counted(2000, 200, 4)];
    const good = [counted(3000, 1000, 4), counted(4000, 1800, 4)];
    const state = foldAll(definition, [...bad, ...good, counted(5000, 1900, 40), counted(6000, 2000, 80)]);
    expect(state.rules.errors).toMatchObject({ breach: null, hold: { heldMs: 1000 } });
  });

  it("concludes nothing below the floor of requests", () => {
    const state = foldAll(definition, steady(9, 40, 40));
    expect(state.rules.errors).toMatchObject({
      status: { state: "insufficient", requests: 80 },
      breach: null,
      judgedMs: 0,
    });
  });

  it("looks only at its own release, and at the previous one when it says so", () => {
    const both = definitionOf({ rules: [ruleOf(), ruleOf({ id: "old", of: "previous" })] });
    const tick = (seconds: number): [number, TickInput] => [
      seconds * 1000,
      {
        readings: {
          edge: reading(seconds * 1000, {
            v1: counters(seconds * 100, seconds * 50),
            v2: counters(seconds * 100, 0),
          }),
        },
        probes: {},
      },
    ];
    const state = foldAll(both, [0, 1, 2, 3, 4].map(tick));
    expect(state.rules.errors!.status.state).toBe("ok");
    expect(openBreaches(both, state).map((breach) => breach.id)).toEqual(["old"]);
  });

  it("says no data when its release is missing, and when there is no previous release", () => {
    const state = foldAll(definition, [
      [0, { readings: { edge: reading(0, { constructor: counters(1, 1) }) }, probes: {} }],
    ]);
    expect(errorsStatus(state)).toBe("no-data");
    const first = definitionOf({ rules: [ruleOf({ of: "previous" })], previousRelease: undefined });
    expect(errorsStatus(foldAll(first, [counted(0, 1, 1)]))).toBe("no-data");
  });

  it("tells old data, an unknown source, and impossible counts apart from no data", () => {
    const old = foldAll(definition, [
      [9000, { readings: { edge: reading(1000, { v2: counters(1, 1) }) }, probes: {} }],
    ]);
    expect(errorsStatus(old)).toBe("stale");
    expect(errorsStatus(foldAll(definition, [[0, { readings: {}, probes: {} }]]))).toBe("error");
    expect(errorsStatus(foldAll(definition, [counted(0, NaN, 1)]))).toBe("error");
    expect(errorsStatus(foldAll(definition, [counted(0, 5, -1)]))).toBe("error");
  });

  it("neither ends nor lengthens a breach while nothing is seen", () => {
    const bad = [counted(0, 0, 0), counted(1000, 200, 20), counted(2000, 400, 40)];
    const dark = [blind(3000, "error")];
    const frozen = foldAll(definition, [...bad, ...dark]);
    expect(frozen.rules.errors).toMatchObject({ breach: null, hold: { heldMs: 1000 } });
    const back = foldAll(definition, [...bad, ...dark, counted(4000, 800, 80)]);
    expect(back.rules.errors).toMatchObject({ breach: null, hold: { heldMs: 1000 } });
    const broken = foldAll(definition, [...bad, ...dark, counted(4000, 800, 80), counted(5000, 1000, 100)]);
    expect(broken.rules.errors!.breach).toMatchObject({ heldMs: 2000 });
  });

  it("starts its window and its hold anew after a long gap", () => {
    const state = foldAll(definition, [
      counted(0, 0, 0),
      counted(1000, 200, 20),
      counted(2000, 400, 40),
      counted(9000, 900, 500),
    ]);
    expect(state.rules.errors).toMatchObject({ status: { state: "insufficient" }, hold: null, breach: null });
    expect(state).toMatchObject({ unwatchedMs: 7000, gaps: [{ fromMs: START + 2000, toMs: START + 9000 }] });
  });

  it("sees falling traffic only over a full window", () => {
    const quiet = definitionOf({
      rules: [ruleOf({ id: "traffic", signal: "requestsPerSecond", below: 10, above: undefined })],
    });
    expect(foldAll(quiet, steady(1, 1, 0)).rules.traffic!.status.state).toBe("insufficient");
    expect(foldAll(quiet, steady(4, 0, 0)).rules.traffic!.breach).toMatchObject({ value: 0 });
  });

  it("is not looked at again once a person has accepted its breach", () => {
    const broken = foldAll(definition, steady(5, 100, 50));
    const accepted = accept(broken, "errors", { by: "kim", note: "known", atMs: START + 6000 });
    expect(openBreaches(definition, accepted)).toEqual([]);
    const ended = foldAll(definition, steady(4, 100, 50, 6), accepted);
    expect(finalVerdict(definition, ended)).toMatchObject({
      verdict: "pass",
      reason: "errors: broken, accepted by kim",
    });
    expect(
      accept(initialState(definition, START), "errors", { by: "kim", note: "", atMs: 0 }).rules.errors!
        .accepted,
    ).toBeNull();
  });
});

describe("a probe", () => {
  const probed = definitionOf({ rules: [], probes: [probeOf()] });
  const tick = (second: number, outcome: "ok" | "failed" | "unknown"): [number, TickInput] => {
    const seen = outcome === "ok" ? { outcome, latencyMs: 5 } : { outcome, reason: "500" };
    return [second * 1000, { readings: {}, probes: { health: seen } }];
  };

  it("breaks after so many failures in a row, and not when a good answer lies between", () => {
    expect(
      foldAll(probed, [tick(0, "failed"), tick(1, "failed"), tick(2, "ok"), tick(3, "failed")]).probes.health!
        .breach,
    ).toBeNull();
    const broken = foldAll(probed, [tick(0, "failed"), tick(1, "failed"), tick(2, "failed")]);
    expect(openBreaches(probed, broken)[0]?.text).toBe(
      "health: GET /health did not answer as it must, 3 times in a row: 500",
    );
  });

  it("counts a probe that could not be asked neither as good nor as bad", () => {
    const state = foldAll(probed, [
      tick(0, "failed"),
      tick(1, "unknown"),
      tick(2, "failed"),
      tick(3, "unknown"),
    ]);
    expect(state.probes.health).toMatchObject({ failuresInRow: 2, breach: null });
  });
});

/** A small generator of equal numbers for equal seeds, so that a simulation gives the same result every time. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

/** Seconds from the shift of traffic to the breach under random traffic, or undefined when there is none in a minute. */
function decidedAfter(seed: number, errorShare: number, tickMs: number): number | undefined {
  const random = randomFrom(seed);
  const long = definitionOf({ durationMs: 60_000, intervalMs: tickMs });
  let state = initialState(long, START);
  let [requests, errors] = [0, 0];
  for (let atMs = 0; atMs <= 60_000; atMs += tickMs) {
    state = fold(long, state, counted(atMs, requests, errors)[1], START + atMs);
    if (state.rules.errors!.breach !== null) return atMs / 1000;
    for (let i = 0; i < 250 * (tickMs / 1000); i++) {
      if (random() >= 0.25) continue;
      requests++;
      if (random() < errorShare) errors++;
    }
  }
  return undefined;
}

describe("errors above 1 % for 2s at 100 requests, with 62 requests a second", () => {
  const seeds = Array.from({ length: 200 }, (_, seed) => seed + 1);

  it("decides within a few seconds when 2.4 % fail", () => {
    const seconds = seeds.map((seed) => decidedAfter(seed, 0.024, 500) ?? Infinity).sort((a, b) => a - b);
    expect(seconds[100]).toBeLessThanOrEqual(6);
    expect(seconds[190]).toBeLessThanOrEqual(20);
  });

  it("never trips when nothing fails, nor by one burst however large", () => {
    for (const seed of seeds) expect(decidedAfter(seed, 0, 1000)).toBeUndefined();
    const burst = fc.tuple(
      fc.array(fc.integer({ min: 700, max: 1300 }), { minLength: 12, maxLength: 12 }),
      fc.integer({ min: 1, max: 10 }),
    );
    fc.assert(
      fc.property(burst, ([stepsMs, at]) => {
        let atMs = 0;
        const ticks = stepsMs.map((ms, index) => counted((atMs += ms), index * 200, index >= at ? 150 : 0));
        expect(foldAll(definition, ticks).rules.errors!.breach).toBeNull();
      }),
    );
  });
});

const anyTick = fc.tuple(
  fc.integer({ min: 0, max: 8000 }),
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(fc.nat(400), fc.nat(60)).map(([requests, errors]) => ({ requests, errors })),
    },
    { weight: 1, arbitrary: fc.constantFrom("no-data" as const, "error" as const, "restart" as const) },
  ),
);

/** Ticks with random distances, gains, faults and restarts of the source. */
const anyTicks = fc.array(anyTick, { maxLength: 40 }).map((steps) => {
  let [atMs, requests, errors] = [0, 0, 0];
  return steps.map(([stepMs, seen]): [number, TickInput] => {
    atMs += stepMs;
    if (seen === "restart") [requests, errors] = [0, 0];
    else if (typeof seen === "string") return blind(atMs, seen);
    else [requests, errors] = [requests + seen.requests, errors + Math.min(seen.errors, seen.requests)];
    return counted(atMs, requests, errors);
  });
});

describe("for any sequence of ticks", () => {
  it("never breaks a rule on fewer requests than the floor, nor before it was held long enough", () => {
    fc.assert(
      fc.property(anyTicks, (ticks) => {
        const { breach } = foldAll(definition, ticks).rules.errors!;
        if (breach === null) return;
        expect(breach.requests).toBeGreaterThanOrEqual(100);
        expect(breach.value).toBeGreaterThan(1);
        expect(breach.heldMs).toBeGreaterThanOrEqual(2000);
      }),
      { numRuns: 500 },
    );
  });

  it("gives the same state when it was stored and read again at any tick", () => {
    fc.assert(
      fc.property(anyTicks, fc.nat(40), (ticks, at) => {
        const stored = JSON.parse(JSON.stringify(foldAll(definition, ticks.slice(0, at)))) as WatchState;
        expect(foldAll(definition, ticks.slice(at), stored)).toEqual(foldAll(definition, ticks));
      }),
      { numRuns: 200 },
    );
  });

  it("takes nothing from a tick that comes late or twice", () => {
    fc.assert(
      fc.property(anyTicks, fc.nat(40), (ticks, at) => {
        const state = foldAll(definition, ticks);
        const again = ticks[at];
        if (again === undefined || state.lastTickMs === null) return;
        expect(foldAll(definition, [again], state)).toEqual(state);
      }),
      { numRuns: 200 },
    );
  });

  it("never breaks a rule while no request failed", () => {
    fc.assert(
      fc.property(anyTicks, (ticks) => {
        const clean = ticks.map(([atMs, input]): [number, TickInput] => {
          const seen = input.readings.edge!;
          return seen.state === "counters" ? counted(atMs, seen.releases.v2!.requests, 0) : [atMs, input];
        });
        expect(foldAll(definition, clean).rules.errors!.breach).toBeNull();
      }),
      { numRuns: 200 },
    );
  });
});
