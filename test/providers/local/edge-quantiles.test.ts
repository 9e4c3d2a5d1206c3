import { describe, expect, it } from "vitest";
import type { SeriesQuestion, ValuePoint } from "../../../src/model/signal-source.ts";
import type { EdgeHistory } from "../../../src/providers/local/edge-client.ts";
import { quantilePoints, spansEndingIn } from "../../../src/providers/local/edge-quantiles.ts";

const SPAN = 10_000;
const BOUNDS = [100, 1000];

type Counted = EdgeHistory["recent"];

function counted(fromMs: number, toMs: number, latency: number[], beyondMs = 0): Counted {
  return { fromMs, toMs, requests: 0, errors: 0, diverted: 0, badClients: 0, repeated: 0, beyondMs, latency };
}

function question(fromMs: number, toMs: number, stepMs: number): SeriesQuestion {
  return { metric: { kind: "quantile", percent: 95 }, release: "v2", fromMs, toMs, stepMs };
}

/** Of spans that end at these times. */
function quantiles(asked: SeriesQuestion, spans: Record<number, number[]>, recent?: Counted): ValuePoint[] {
  const points = Object.entries(spans).map(([toMs, latency]) =>
    counted(Number(toMs) - SPAN, Number(toMs), latency),
  );
  const open = recent ?? counted(1e9, 1e9, [0, 0, 0]);
  return quantilePoints(asked, 95, {
    isKnown: true,
    boundsMs: BOUNDS,
    closedToMs: 1e9,
    points,
    recent: open,
  });
}

describe("quantiles of the edge", () => {
  it("are the bound that so many requests did not exceed", () => {
    expect(quantiles(question(10_000, 20_000, SPAN), { 20_000: [95, 5, 0] })).toEqual([
      { atMs: 20_000, value: 100 },
    ]);
    expect(quantiles(question(10_000, 20_000, SPAN), { 20_000: [94, 6, 0] })).toEqual([
      { atMs: 20_000, value: 1000 },
    ]);
  });

  it("are the mean of the slowest above the last bound", () => {
    const points = [counted(10_000, 20_000, [0, 0, 3], 6_000), counted(20_000, 30_000, [0, 0, 1], 4_000)];
    const history = { isKnown: true, boundsMs: BOUNDS, closedToMs: 1e9, points, recent: points[0]! };
    expect(quantilePoints(question(10_000, 30_000, 20_000), 95, history)).toEqual([
      { atMs: 30_000, value: 2_500 },
    ]);
  });

  it("are of the spans that end in a step, each span in one step, whatever the times", () => {
    const spans = { 20_000: [1, 0, 0], 30_000: [0, 1, 0], 40_000: [1, 0, 0], 50_000: [1, 0, 0] };
    const asked = question(13_500, 58_500, 15_000);
    expect(spansEndingIn(asked)).toEqual({ fromMs: 10_000, toMs: 50_000, stepMs: SPAN });
    expect(quantiles(asked, spans)).toEqual([
      { atMs: 20_000, value: 100 },
      { atMs: 40_000, value: 1000 },
      { atMs: 50_000, value: 100 },
    ]);
  });

  it("leave out steps with a span that is not known or without an answered request", () => {
    const asked = question(10_000, 70_000, 20_000);
    expect(
      quantiles(asked, {
        20_000: [1, 0, 0],
        40_000: [0, 0, 0],
        50_000: [0, 0, 0],
        60_000: [1, 0, 0],
        70_000: [1, 0, 0],
      }),
    ).toEqual([{ atMs: 70_000, value: 100 }]);
  });

  it("are of the last 10 to 20 s when the steps are shorter than a span and end now", () => {
    const recent = counted(20_000, 32_300, [0, 1, 0]);
    const now = question(31_000, 32_250, 250);
    expect(spansEndingIn(now)).toBeUndefined();
    expect(quantiles(now, {}, recent)).toEqual([{ atMs: 32_250, value: 1000 }]);
    expect(quantiles(question(18_000, 19_000, 250), {}, recent)).toEqual([]);
    expect(quantiles(question(29_500, 30_500, 250), { 30_000: [1, 0, 0] }, recent)).toEqual([
      { atMs: 30_000, value: 100 },
      { atMs: 30_500, value: 1000 },
    ]);
    expect(quantiles(now, {}, counted(20_000, 32_300, [0, 0, 0]))).toEqual([]);
  });
});
