import assert from "node:assert/strict";
import type { Metric } from "../../model/metric.ts";
import type { SeriesAnswer, SeriesQuestion, SignalSource } from "../../model/signal-source.ts";
import { checkAnswer, sumOf } from "./series-answer.ts";
import { within } from "./within.ts";

/**
 * What can happen to the backend of a source. refused: nothing listens. hang: it takes the question and never
 * answers. unauthorized: 401. throttled: 429 with a Retry-After. broken: 500. empty: it answers, and knows no series.
 * not-a-number: NaN, Inf or null in place of every value. malformed: cut-off JSON or text. stale: nothing that is newer
 * than the middle of the asked range. too-large: an answer that does not end.
 */
export const SOURCE_FAULTS = [
  "refused",
  "hang",
  "unauthorized",
  "throttled",
  "broken",
  "empty",
  "not-a-number",
  "malformed",
  "stale",
  "too-large",
] as const;
export type SourceFault = (typeof SOURCE_FAULTS)[number];

/** A source and a world in which it can be tried out. */
export interface SignalSourceCase {
  /** Opens the source anew, called once for every scenario. Its time limit should be short: one scenario waits for it. */
  open(): Promise<SignalSourceWorld> | SignalSourceWorld;
  /** Faults that cannot come to this source, and why: "it asks nobody". Their scenarios are left out. */
  cannot?: Partial<Record<SourceFault, string>>;
  /** How long an answer is waited for before it counts as none; default 30 s. */
  patienceMs?: number;
}

export interface SignalSourceWorld {
  source: SignalSource;
  /**
   * One for each kind of answer that it gives, all of them answered with something while the backend behaves. Of a
   * source with a history: at least two steps, all of them in the past and in reach of the data.
   */
  questions: readonly [SeriesQuestion, ...SeriesQuestion[]];
  /** Metrics that it says nothing about. */
  foreign: readonly Metric[];
  /** Makes the backend behave like this from now on. It should quote what it was sent wherever it can answer at all. */
  behave(fault: SourceFault): PromiseLike<void> | void;
  /** Must be in no answer, in any form in which they are sent. */
  secrets: readonly string[];
  close?(): PromiseLike<void> | void;
}

export interface Scenario {
  /** A sentence about the source: "answers a 401 with an error that lasts". */
  title: string;
  /** Throws an AssertionError that says where the source did not keep its contract. */
  run(): Promise<void>;
}

/** Everything that a source must do, one scenario each, for any test framework: `it(title, run)`. */
export function signalSourceScenarios(sourceCase: SignalSourceCase): Scenario[] {
  const { cannot = {} } = sourceCase;
  const inWorld = (title: string, work: (trial: Trial) => Promise<void>): Scenario => ({
    title,
    run: () => withTrial(sourceCase, work),
  });
  return [
    inWorld("promises nothing about metrics that it does not know", promises),
    inWorld("answers what it promises, in order and inside what was asked", answers),
    inWorld("says the same again about the same time", repeats),
    inWorld("passes its check for what it can answer", passesCheck),
    ...SOURCE_FAULTS.filter((fault) => cannot[fault] === undefined).map((fault) =>
      inWorld(FAULTS[fault].title, (trial) => suffers(trial, fault)),
    ),
    ...(cannot.hang === undefined
      ? [inWorld("rejects with the signal's reason when it is stopped, in query and check", aborts)]
      : []),
    inWorld("rejects with the signal's reason when it was stopped before", refusesToStart),
  ];
}

interface FaultExpectation {
  title: string;
  /** Throws when the answer is not what the fault asks for. */
  judge(answer: SeriesAnswer, question: SeriesQuestion): void;
  /** Verdicts of check that are wrong under the fault. */
  never: readonly ("pass" | "fail" | "unknown")[];
}

const FAULTS: Readonly<Record<SourceFault, FaultExpectation>> = {
  refused: {
    title: "answers a refused connection with an error that may pass",
    judge: (answer) => assertError(answer, false),
    never: ["pass", "fail"],
  },
  hang: {
    title: "gives up on a backend that never answers",
    judge: (answer) => assertError(answer, false),
    never: ["pass", "fail"],
  },
  unauthorized: {
    title: "answers a 401 with an error that lasts",
    judge: (answer) => assertError(answer, true),
    never: ["pass", "unknown"],
  },
  throttled: {
    title: "answers a 429 with an error that may pass, and when to ask again",
    judge: (answer) => {
      assertError(answer, false);
      assert.ok((answer.retryAfterMs ?? 0) > 0, "retryAfterMs is not what Retry-After said");
    },
    never: ["pass", "fail"],
  },
  broken: {
    title: "answers a 500 with an error that may pass",
    judge: (answer) => assertError(answer, false),
    never: ["pass", "fail"],
  },
  empty: {
    title: "tells that there is nothing from zero",
    judge: (answer) => assertNoData(answer),
    never: [],
  },
  "not-a-number": {
    title: "tells what is not a number from a number, and quotes it",
    judge: (answer) => {
      assertNoData(answer);
      assert.ok((answer.raw ?? "") !== "", "raw does not say what it was");
    },
    never: [],
  },
  malformed: {
    title: "answers what it cannot read with an error",
    judge: (answer) => assertError(answer),
    never: ["pass"],
  },
  stale: {
    title: "makes nothing up for the time of which nothing is known",
    judge: assertNothingNew,
    never: [],
  },
  "too-large": {
    title: "answers more than it can take with an error",
    judge: (answer) => assertError(answer),
    never: ["pass"],
  },
};

async function promises({ world: { source, questions, foreign } }: Trial): Promise<void> {
  for (const metric of foreign)
    assert.equal(source.gives(metric), undefined, `it promises ${JSON.stringify(metric)}`);
  for (const { metric } of questions) {
    const given = source.gives(metric);
    assert.ok(given !== undefined, `it does not promise ${JSON.stringify(metric)}`);
    assert.deepEqual(source.gives(metric), given, "it promises something else the second time");
  }
  const { lagMs, floorMs } = source.traits;
  assert.ok(Number.isFinite(lagMs) && lagMs >= 0, `lagMs is ${lagMs}`);
  assert.ok(Number.isFinite(floorMs) && floorMs >= 0, `floorMs is ${floorMs}`);
}

async function answers(trial: Trial): Promise<void> {
  for (const question of trial.world.questions)
    checkAnswer(trial.world.source, question, await trial.ask(question));
}

async function repeats(trial: Trial): Promise<void> {
  const { source, questions } = trial.world;
  for (const question of questions) {
    const first = await trial.ask(question);
    const second = await trial.ask(question);
    if (source.traits.history === "range") {
      assert.deepEqual(second, first, "the second answer is another one");
      await agreesWithItsParts(trial, question, first);
    }
    if (first.state !== "counter" || second.state !== "counter") continue;
    assert.ok(second.atMs >= first.atMs, "the second answer is older than the first");
    assert.ok(second.bad >= first.bad && second.total >= first.total, "a counter went back");
  }
}

/** Without this a watch that was interrupted would come to other numbers than one that was not. */
async function agreesWithItsParts(
  trial: Trial,
  question: SeriesQuestion,
  whole: SeriesAnswer,
): Promise<void> {
  const { fromMs, toMs, stepMs } = question;
  const later = { ...question, fromMs: fromMs + stepMs };
  if (later.fromMs >= toMs || (whole.state !== "counts" && whole.state !== "values")) return;
  const rest = await trial.ask(later);
  const isLater = (at: number): boolean => at > later.fromMs;
  if (whole.state === "values") {
    const expected = whole.points.filter(({ atMs }) => isLater(atMs));
    assert.deepEqual(
      rest.state === "values" ? rest.points : [],
      expected,
      "a part of the range is not the same",
    );
    return;
  }
  const expected = whole.points.filter((point) => isLater(point.toMs));
  assert.deepEqual(
    rest.state === "counts" ? rest.points : [],
    expected,
    "a part of the range is not the same",
  );
  if (whole.points.length !== (toMs - fromMs) / stepMs) return;
  const atOnce = await trial.ask({ ...question, stepMs: toMs - fromMs });
  assert.equal(atOnce.state, "counts", "the range as one span");
  assert.deepEqual(sumOf(atOnce), sumOf(whole), "the spans do not add up to the whole");
}

async function passesCheck(trial: Trial): Promise<void> {
  const { verdict, reason } = await trial.check();
  assert.equal(verdict, "pass", `check: ${reason}`);
}

async function suffers(trial: Trial, fault: SourceFault): Promise<void> {
  await trial.world.behave(fault);
  for (const question of trial.world.questions) {
    const answer = await trial.ask(question);
    const about = `${fault}, ${JSON.stringify(question.metric)}: ${JSON.stringify(answer)}`;
    trial.assertNoSecret(answer);
    try {
      FAULTS[fault].judge(answer, question);
    } catch (error) {
      throw new assert.AssertionError({
        message: `${about}: ${error instanceof Error ? error.message : String(error)}`,
      });
    }
  }
  const verdict = await trial.check();
  trial.assertNoSecret(verdict);
  assert.ok(
    !FAULTS[fault].never.includes(verdict.verdict),
    `check under ${fault}: ${JSON.stringify(verdict)}`,
  );
  assert.notEqual(verdict.reason, "", "check gives no reason");
}

async function aborts(trial: Trial): Promise<void> {
  const { source, questions } = trial.world;
  await trial.world.behave("hang");
  const metrics = questions.map(({ metric }) => metric);
  const [question] = questions;
  for (const [what, start] of [
    ["query", (signal: AbortSignal) => source.query(question, signal)],
    ["check", (signal: AbortSignal) => source.check(metrics, question.release, signal)],
  ] as const) {
    const stopping = new AbortController();
    const reason = new Error("stopped in the middle");
    const pending = start(stopping.signal);
    stopping.abort(reason);
    await assert.rejects(
      trial.inTime<unknown>(pending),
      (error) => error === reason,
      `${what} threw something else`,
    );
  }
}

async function refusesToStart(trial: Trial): Promise<void> {
  const { source, questions } = trial.world;
  const reason = new Error("stopped before");
  for (const question of questions)
    await assert.rejects(
      trial.inTime(source.query(question, AbortSignal.abort(reason))),
      (error) => error === reason,
      "query threw something else",
    );
}

function assertError(
  answer: SeriesAnswer,
  isLasting?: boolean,
): asserts answer is SeriesAnswer & { state: "error" } {
  assert.equal(answer.state, "error");
  if (isLasting !== undefined) assert.equal(answer.isLasting, isLasting, "isLasting");
  assert.notEqual(answer.reason, "", "no reason is given");
}

function assertNoData(answer: SeriesAnswer): asserts answer is SeriesAnswer & { state: "no-data" } {
  assert.equal(answer.state, "no-data");
  assert.notEqual(answer.reason, "", "no reason is given");
}

function assertNothingNew(answer: SeriesAnswer, { fromMs, toMs, stepMs }: SeriesQuestion): void {
  const half = fromMs + Math.ceil((toMs - fromMs) / 2 / stepMs) * stepMs;
  assert.notEqual(answer.state, "error");
  if (answer.state === "counter")
    assert.ok(answer.atMs <= half, `a counter as of ${answer.atMs}, after ${half}`);
  if (answer.state === "counts")
    for (const point of answer.points)
      assert.ok(point.toMs <= half, `a span up to ${point.toMs}, after ${half}`);
  if (answer.state === "values")
    for (const { atMs } of answer.points) assert.ok(atMs <= half, `a value of ${atMs}, after ${half}`);
}

interface Trial {
  world: SignalSourceWorld;
  ask(question: SeriesQuestion): Promise<SeriesAnswer>;
  /** Of all metrics of the questions. */
  check(): ReturnType<SignalSource["check"]>;
  inTime<T>(work: Promise<T>): Promise<T>;
  assertNoSecret(value: unknown): void;
}

async function withTrial(sourceCase: SignalSourceCase, work: (trial: Trial) => Promise<void>): Promise<void> {
  const world = await sourceCase.open();
  const { source, questions, secrets } = world;
  const { signal } = new AbortController();
  const inTime = <T>(work: Promise<T>): Promise<T> => within(sourceCase.patienceMs ?? 30_000, work);
  try {
    await work({
      world,
      ask: (question) => inTime(source.query(question, signal)),
      check: () => {
        const metrics = questions.map(({ metric }) => metric);
        return inTime(source.check(metrics, questions[0].release, signal));
      },
      inTime,
      assertNoSecret(value) {
        const text = JSON.stringify(value);
        for (const secret of secrets) assert.ok(!text.includes(secret), `it gives a secret away: ${text}`);
      },
    });
  } finally {
    await world.close?.();
  }
}
