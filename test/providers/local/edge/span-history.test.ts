import { describe, expect, it } from "vitest";
import { column, emptyRow, type Row } from "../../../../src/providers/local/edge/columns.ts";
import { SpanHistory } from "../../../../src/providers/local/edge/span-history.ts";

const START = 179_000_000;
const DAY = 8_640;

function requests(count: number): Row {
  const row = emptyRow();
  row[column.requests] = count;
  return row;
}

function requestsOf(history: SpanHistory, release: string, first: number, count = 1): number | undefined {
  return history.sum(release, first, count)?.[column.requests];
}

function filled(spans: number): SpanHistory {
  const history = new SpanHistory();
  for (let index = 0; index < spans; index++)
    history.close({ index: START + index, rows: new Map([["v1", requests(index)]]) });
  return history;
}

describe("the history of spans", () => {
  it("adds spans up, and tells a span without traffic from one of which it does not know", () => {
    const history = new SpanHistory();
    history.close({ index: START, rows: new Map([["v1", requests(3)]]) });
    history.close({ index: START + 1, rows: new Map() });
    history.close({ index: START + 2, rows: new Map([["v1", requests(4)]]) });
    history.close({ index: START + 4, rows: new Map([["v1", requests(5)]]) });
    expect(requestsOf(history, "v1", START, 3)).toBe(7);
    expect(requestsOf(history, "v1", START + 1)).toBe(0);
    expect(requestsOf(history, "v2", START)).toBe(0);
    expect(requestsOf(history, "v1", START + 3)).toBeUndefined();
    expect(requestsOf(history, "v1", START + 2, 3)).toBeUndefined();
    expect(requestsOf(history, "v1", START - 1)).toBeUndefined();
    expect([history.knows("v1"), history.knows("v2")]).toEqual([true, false]);
  });

  it("holds 24 h and lets go of what is older", () => {
    const spans = 3 * DAY;
    const history = filled(spans);
    const last = START + spans - 1;
    expect(requestsOf(history, "v1", last)).toBe(spans - 1);
    expect(requestsOf(history, "v1", last - DAY + 1)).toBe(spans - DAY);
    expect(requestsOf(history, "v1", last - DAY - 120)).toBeUndefined();
    const sum = (DAY * (spans - DAY + spans - 1)) / 2;
    expect(requestsOf(history, "v1", last - DAY + 1, DAY)).toBe(sum);
  });

  it("forgets a release a day after its last traffic, and of more than 32 that with the oldest traffic", () => {
    const history = filled(1);
    for (let index = 1; index <= DAY + 120; index++) history.close({ index: START + index, rows: new Map() });
    expect(history.knows("v1")).toBe(false);
    const next = START + DAY + 121;
    for (let release = 0; release < 33; release++)
      history.close({ index: next + release, rows: new Map([[`r${release}`, requests(1)]]) });
    expect([history.knows("r0"), history.knows("r1"), history.knows("r32")]).toEqual([false, true, true]);
  });

  it("begins a stretch of time anew when the clock is set back to it", () => {
    const history = filled(10);
    history.close({ index: START + 4, rows: new Map([["v2", requests(1)]]) });
    expect(requestsOf(history, "v1", START + 3)).toBe(3);
    expect(requestsOf(history, "v1", START + 4)).toBe(0);
    expect(requestsOf(history, "v2", START + 4)).toBe(1);
    expect(requestsOf(history, "v1", START + 5)).toBeUndefined();
  });

  it("gives its spans out in order, so many at a time", () => {
    const history = filled(5);
    const copy = new SpanHistory();
    for (let last = 0, spans = history.after(0, 2); spans.length > 0; spans = history.after(last, 2)) {
      expect(spans.length).toBeLessThanOrEqual(2);
      for (const span of spans) copy.close(span);
      last = spans.at(-1)!.index;
    }
    expect(copy.sum("v1", START, 5)).toEqual(history.sum("v1", START, 5));
    expect(requestsOf(copy, "v1", START, 5)).toBe(10);
    expect(history.after(START + 4, 2)).toEqual([]);
  });

  it("takes more than a place can hold as the most that it can", () => {
    const history = new SpanHistory();
    history.close({ index: START, rows: new Map([["v1", requests(2 ** 40)]]) });
    expect(requestsOf(history, "v1", START)).toBe(2 ** 32 - 1);
  });
});
