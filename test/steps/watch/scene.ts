import type { JsonObject } from "../../../src/model/json.ts";
import type {
  CountPoint,
  Given,
  SeriesAnswer,
  SeriesQuestion,
  SignalSource,
} from "../../../src/model/signal-source.ts";
import type { StepResult } from "../../../src/model/step-kind.ts";
import type { Verdict } from "../../../src/model/verdict.ts";
import { watch } from "../../../src/steps/watch.ts";
import { createFakeClock, type FakeClock } from "../../../src/testing/fake-clock.ts";
import {
  createFakeStepWorld,
  FAKE_STEP_ID,
  type FakeStepWorld,
  type FakeStepWorldOptions,
  type Tap,
} from "../../../src/testing/fake-step-context.ts";

/** So many requests a second of a release, and the share of them that is bad, from a second since the start on. */
export interface Traffic {
  perSecond: number;
  bad: number;
  /** New visitors; when left out the source does not know. */
  visitors?: number;
}

/** What happens in each second since the start, and what keeps the source from saying so. */
export interface Script {
  traffic(second: number, release: string): Traffic;
  /** The greatest value that a source of values names; 100 when left out. */
  max?: number;
  fault?(second: number, release: string): SeriesAnswer | undefined;
  /** Of these seconds a source with history has nothing, now and later. */
  lost?: { from: number; until: number };
}

export type SourceHistory = SignalSource["traits"]["history"];

const BEFORE_S = 4000;

type CountedPart = Omit<CountPoint, "fromMs" | "toMs">;

interface Sums {
  bad: number;
  total: number;
  visitors: number;
}

/** A source that says what the script says; counts are whole and exact, spread evenly. */
export function scriptedSource(
  name: string,
  history: SourceHistory,
  script: Script,
  clock: FakeClock,
  options: Pick<SceneOptions, "form" | "lagMs" | "perRelease" | "sourceAheadMs"> = {},
): SignalSource {
  const { sourceAheadMs = 0 } = options;
  const startMs = clock.now().getTime() + sourceAheadMs;
  const startMonotonicMs = clock.monotonicMs();
  const secondOf = (atMs: number): number => (atMs - startMs) / 1000;
  const { form = "counts", lagMs = 0, perRelease = true } = options;
  const sums = new Map<string, Sums[]>();
  /** Sums since an hour before the start, at whole seconds; kept, because a long watch asks often. */
  const sumAt = (release: string, index: number): Sums => {
    const known = sums.get(release) ?? [{ bad: 0, total: 0, visitors: 0 }];
    sums.set(release, known);
    for (let next = known.length; next <= index; next++) {
      const { perSecond, bad, visitors = NaN } = script.traffic(next - 1 - BEFORE_S, release);
      const last = known[next - 1]!;
      known.push({
        bad: last.bad + perSecond * bad,
        total: last.total + perSecond,
        visitors: last.visitors + visitors,
      });
    }
    return known[index]!;
  };
  /** Requests in (from, to], as differences of a sum that grows evenly. */
  const between = (release: string, fromMs: number, toMs: number): CountedPart => {
    const at = (ms: number): Sums => {
      const second = Math.max(0, secondOf(ms) + BEFORE_S);
      const whole = Math.floor(second);
      const [before, after] = [sumAt(release, whole), sumAt(release, whole + 1)];
      const part = second - whole;
      return {
        bad: Math.floor(before.bad + part * (after.bad - before.bad) + 1e-6),
        total: Math.floor(before.total + part * (after.total - before.total) + 1e-6),
        visitors: Math.floor(before.visitors + part * (after.visitors - before.visitors) + 1e-6),
      };
    };
    const [before, after] = [at(fromMs), at(toMs)];
    const visitors = after.visitors - before.visitors;
    return {
      bad: after.bad - before.bad,
      total: after.total - before.total,
      ...(Number.isNaN(visitors) ? {} : { visitors }),
    };
  };
  const answer = ({ release, fromMs, toMs, stepMs }: SeriesQuestion): SeriesAnswer => {
    const atMs = clock.now().getTime();
    // Traffic goes on by true time, also when the machine's clock is set.
    const trueMs = startMs + clock.monotonicMs() - startMonotonicMs;
    const fault = script.fault?.(secondOf(trueMs), release);
    if (fault !== undefined) return fault;
    if (history === "counter") return { state: "counter", atMs, ...between(release, startMs - 1000, trueMs) };
    if (history === "now") {
      const { perSecond } = script.traffic(secondOf(trueMs), release);
      return { state: "values", points: [{ atMs, value: perSecond, max: script.max ?? 100 }] };
    }
    const points = Array.from({ length: Math.round((toMs - fromMs) / stepMs) }, (_, index) => {
      const from = fromMs + index * stepMs;
      return { fromMs: from, toMs: from + stepMs, ...between(release, from, from + stepMs) };
    });
    const { from = Infinity, until = -Infinity } = script.lost ?? {};
    const known = points.filter(
      (point) => point.toMs <= trueMs && (secondOf(point.toMs) <= from || secondOf(point.fromMs) >= until),
    );
    if (known.length === 0) return { state: "no-data", reason: "there is nothing of that time" };
    return { state: "counts", points: known };
  };
  return {
    name,
    kind: "scripted",
    traits: { lagMs, floorMs: 1, history },
    gives: () => ({ form, perRelease }),
    check: (): Promise<Verdict> => Promise.resolve({ verdict: "pass", reason: "it answers" }),
    query(question) {
      return Promise.resolve(answer(question));
    },
  };
}

export interface Scene {
  clock: FakeClock;
  world: FakeStepWorld;
  settings: JsonObject;
  run: (tap?: Tap) => Promise<StepResult>;
  /** Seconds since the start. */
  seconds(): number;
}

export const RULE = "errors: when error_rate > 1% -> rollback";

export interface SceneOptions {
  settings?: JsonObject;
  history?: SourceHistory;
  lagMs?: number;
  form?: Given["form"];
  /** Whether the source tells releases apart; it does when left out. */
  perRelease?: boolean;
  /** By how much the clock of a source with history is ahead of this machine's at the start; its is the right one. */
  sourceAheadMs?: number;
  world?: Partial<FakeStepWorldOptions>;
  /** Done once each, at the first moment at or after so many seconds since the start. */
  at?: [second: number, action: (scene: Scene) => void][];
  more?: (clock: FakeClock) => SignalSource[];
}

/** A watch over one scripted source called "prom". */
export function sceneOf(script: Script, options: SceneOptions = {}): Scene {
  const clock = drivenClock((options.at ?? []).map(([second, action]) => [second, () => action(scene)]));
  const startMs = clock.now().getTime();
  const source = scriptedSource("prom", options.history ?? "range", script, clock, {
    ...(options.perRelease === undefined ? {} : { perRelease: options.perRelease }),
    ...(options.sourceAheadMs === undefined ? {} : { sourceAheadMs: options.sourceAheadMs }),
    lagMs: options.lagMs ?? 0,
    form: options.form ?? "counts",
  });
  const others = options.more?.(clock) ?? [];
  const sources = Object.fromEntries([source, ...others].map((one) => [one.name, one]));
  const world = createFakeStepWorld({ clock, sources, ...options.world });
  const scene: Scene = {
    clock,
    world,
    settings: watch.schema.parse({
      ...(options.settings?.stages === undefined ? { duration: "10m", every: "15s" } : {}),
      rules: [RULE],
      ...options.settings,
    }) as JsonObject,
    run: async (tap) => watch.act(world.open(scene.settings, null, tap).context),
    seconds: () => (clock.now().getTime() - startMs) / 1000,
  };
  return scene;
}

/** The same traffic all the time, for every release. */
export function steady(perSecond: number, bad: number): Script {
  return { traffic: () => ({ perSecond, bad }) };
}

export function resolve(
  world: FakeStepWorld,
  as: "done" | "retry" | "failed" | "extend",
  note = "",
  actor = "kim",
): void {
  world.send({ kind: "resolve", stepId: FAKE_STEP_ID, as, note }, actor);
}

/** A clock that moves by itself, does things on its way, and stops a watch that would never end. */
function drivenClock(actions: [second: number, action: () => void][]): FakeClock {
  const clock = createFakeClock({ autoAdvance: true });
  const left = actions.toSorted(([a], [b]) => a - b);
  return {
    ...clock,
    async sleep(ms, signal) {
      await clock.sleep(ms, signal);
      const second = clock.monotonicMs() / 1000;
      if (second > LONGEST_S) throw new Error(`the watch still goes on after ${second} s`);
      while (left[0] !== undefined && second >= left[0][0]) left.shift()![1]();
    },
  };
}

const LONGEST_S = 200_000;
