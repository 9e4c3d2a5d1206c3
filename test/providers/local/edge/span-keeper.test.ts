import { describe, expect, it } from "vitest";
import { column, emptyRow } from "../../../../src/providers/local/edge/columns.ts";
import { EdgeMetrics } from "../../../../src/providers/local/edge/metrics.ts";
import { SpanKeeper } from "../../../../src/providers/local/edge/span-keeper.ts";

const START = 179_000_000;
const at = (spans: number): number => (START + spans) * 10_000;

/** A keeper that has begun in the middle of the span START. */
function keeper() {
  const metrics = new EdgeMetrics();
  const spans = new SpanKeeper(metrics, at(0.5));
  const requests = (index: number): number | undefined =>
    spans.history.sum("v1", START + index, 1)?.[column.requests];
  return { v1: metrics.of("v1"), spans, requests };
}

describe("keeping spans", () => {
  it("counts in the span in which it happened, and does not know the one in which it began", () => {
    const { v1, spans, requests } = keeper();
    v1.count(1);
    spans.roll(at(0.9));
    v1.count(1);
    spans.roll(at(1));
    v1.count(1);
    v1.count(1);
    spans.roll(at(1.999));
    spans.roll(at(2));
    spans.roll(at(3.001));
    expect([0, 1, 2, 3].map(requests)).toEqual([undefined, 2, 0, undefined]);
    expect(v1.requests).toBe(4);
  });

  it("knows nothing of the time in which the process was stopped", () => {
    const { v1, spans, requests } = keeper();
    spans.roll(at(1));
    v1.count(1);
    spans.roll(at(4.2));
    v1.count(1);
    spans.roll(at(5));
    spans.roll(at(6));
    expect([1, 2, 3, 4, 5].map(requests)).toEqual([1, undefined, undefined, undefined, 0]);
  });

  it("tells of the last 10 to 20 s since it began, also of the span that it does not know to the end", () => {
    const { v1, spans } = keeper();
    const recent = (): number[] => {
      const { row, sinceMs } = spans.recent("v1");
      return [row[column.requests]!, sinceMs];
    };
    v1.count(1);
    expect(recent()).toEqual([1, at(0.5)]);
    spans.roll(at(1));
    v1.count(1);
    expect(recent()).toEqual([2, at(0.5)]);
    spans.roll(at(2));
    expect(recent()).toEqual([1, at(1)]);
    spans.roll(at(4.5));
    v1.count(1);
    expect(recent()).toEqual([1, at(4.5)]);
    expect(spans.recent("v2")).toEqual({ row: emptyRow(), sinceMs: at(4.5) });
  });

  it("begins anew when the clock is set back", () => {
    const { v1, spans, requests } = keeper();
    for (const now of [1, 2, 3]) {
      spans.roll(at(now));
      v1.count(1);
    }
    spans.roll(at(1.5));
    v1.count(1);
    v1.count(1);
    spans.roll(at(2));
    v1.count(1);
    spans.roll(at(3));
    expect([1, 2, 3].map(requests)).toEqual([1, 1, undefined]);
    expect(v1.requests).toBe(6);
  });

  it("counts a client with errors once in each span, and at most 256 of them", () => {
    const { v1, spans } = keeper();
    const bad = (index: number): number | undefined =>
      spans.history.sum("v1", START + index, 1)?.[column.badClients];
    spans.roll(at(1));
    for (let turn = 0; turn < 50; turn++) v1.count(1, "10.0.0.1");
    v1.countUnanswered("10.0.0.2");
    v1.countDiverted("10.0.0.2");
    spans.roll(at(2));
    v1.count(1, "10.0.0.1");
    spans.roll(at(3));
    for (let client = 0; client < 300; client++) v1.count(1, `client ${client}`);
    spans.roll(at(4));
    expect([1, 2, 3].map(bad)).toEqual([2, 1, 256]);
  });
});
