import assert from "node:assert/strict";
import type {
  CountPoint,
  SeriesAnswer,
  SeriesQuestion,
  SignalSource,
  ValuePoint,
} from "../../model/signal-source.ts";

/** Throws an AssertionError unless the answer is something, in the form that the source promises for the metric. */
export function checkAnswer(source: SignalSource, question: SeriesQuestion, answer: SeriesAnswer): void {
  const about = `${JSON.stringify(question.metric)}: ${JSON.stringify(answer)}`;
  const given = source.gives(question.metric);
  assert.ok(given !== undefined, `it does not promise ${about}`);
  const isCounted = given.form !== "values";
  const { history } = source.traits;
  assert.equal(answer.state, isCounted ? (history === "range" ? "counts" : "counter") : "values", about);
  if (answer.state === "counter") {
    checkCounts(answer, given.form, about);
    assert.ok(Number.isFinite(answer.atMs), about);
  }
  if (answer.state === "counts") checkSpans(answer.points, given.form, question, about);
  if (answer.state === "values") checkValues(answer.points, question, history, about);
}

/** Of all spans; NaN visitors where those of one are not known. */
export function sumOf(answer: SeriesAnswer): { bad: number; total: number; visitors: number } {
  const points = answer.state === "counts" ? answer.points : [];
  return {
    bad: points.reduce((sum, { bad }) => sum + bad, 0),
    total: points.reduce((sum, { total }) => sum + total, 0),
    visitors: points.reduce((sum, { visitors = NaN }) => sum + visitors, 0),
  };
}

function checkSpans(
  points: readonly CountPoint[],
  form: "counts" | "events" | "values",
  { fromMs, toMs, stepMs }: SeriesQuestion,
  about: string,
): void {
  assert.ok(points.length > 0, `no span in ${about}`);
  let last = fromMs;
  for (const point of points) {
    checkCounts(point, form, about);
    assert.equal(point.toMs - point.fromMs, stepMs, `a span is not one step long in ${about}`);
    assert.equal((point.fromMs - fromMs) % stepMs, 0, `a span begins between two steps in ${about}`);
    assert.ok(point.fromMs >= last && point.toMs <= toMs, `a span is out of order or range in ${about}`);
    last = point.toMs;
  }
}

function checkCounts(
  { bad, total, visitors = 0 }: Pick<CountPoint, "bad" | "total" | "visitors">,
  form: "counts" | "events" | "values",
  about: string,
): void {
  assert.ok(Number.isFinite(bad) && Number.isFinite(total) && bad >= 0, `no counts in ${about}`);
  assert.ok(Number.isFinite(visitors) && visitors >= 0, `no number of visitors in ${about}`);
  if (form === "events") assert.equal(total, 0, `events have a total in ${about}`);
  else assert.ok(bad <= total, `more are bad than there are in ${about}`);
}

/** Of a source that knows only the present, a value may be younger than what was asked for. */
function checkValues(
  points: readonly ValuePoint[],
  { fromMs, toMs }: SeriesQuestion,
  history: SignalSource["traits"]["history"],
  about: string,
): void {
  assert.ok(points.length > 0, `no value in ${about}`);
  let last = history === "range" ? fromMs : -Infinity;
  for (const { atMs, value, max } of points) {
    assert.ok(Number.isFinite(value), `a value is not finite in ${about}`);
    assert.ok(max === undefined || Number.isFinite(max), `a greatest value is not finite in ${about}`);
    assert.ok(atMs > last, `a value is out of order or range in ${about}`);
    assert.ok(history !== "range" || atMs <= toMs, `a value is out of range in ${about}`);
    last = atMs;
  }
}
