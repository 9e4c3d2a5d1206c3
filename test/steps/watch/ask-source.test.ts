import { describe, expect, it } from "vitest";
import type { SeriesAnswer, SignalSource } from "../../../src/model/signal-source.ts";
import { askSource, type CounterReading, type SourceFinding } from "../../../src/steps/watch/ask-source.ts";

const { signal } = new AbortController();

/** One look at a source of cumulative counters, after what it said last. */
function lookAt(
  counter: CounterReading,
  answer: Omit<Extract<SeriesAnswer, { state: "counter" }>, "state" | "atMs">,
): Promise<SourceFinding> {
  const source: SignalSource = {
    name: "counting",
    kind: "scripted",
    traits: { lagMs: 0, floorMs: 1, history: "counter" },
    gives: () => ({ form: "counts", perRelease: true }),
    check: () => Promise.resolve({ verdict: "pass", reason: "it answers" }),
    query: () => Promise.resolve({ state: "counter", atMs: 2_000, ...answer }),
  };
  const stages = [{ name: "all", fromMs: 0, untilMs: 10_000, everyMs: 1_000 }];
  const question = { metric: { kind: "error_rate" }, form: "counts", release: "v2", stages } as const;
  return askSource({ ...question, source, cursorMs: 1_000, nowMs: 2_000, counter }, signal);
}

describe("a look at cumulative counters", () => {
  const before = { atMs: 1_000, bad: 1, total: 10, visitors: 5 };
  const span = { fromMs: 1_000, toMs: 2_000 };

  it("sees what they grew by", async () => {
    const finding = await lookAt(before, { bad: 2, total: 30, visitors: 9 });
    expect(finding.spans).toEqual([{ ...span, seen: { state: "counts", bad: 1, total: 20, visitors: 4 } }]);
    expect(finding.counter).toEqual({ atMs: 2_000, bad: 2, total: 30, visitors: 9 });
  });

  it("does not know how many visitors came since a reading at which they were not known", async () => {
    const { visitors: _, ...unknown } = before;
    const finding = await lookAt(unknown, { bad: 2, total: 30, visitors: 9 });
    expect(finding.spans).toEqual([{ ...span, seen: { state: "counts", bad: 1, total: 20 } }]);
    expect(finding.counter).toMatchObject({ visitors: 9 });
    const lost = await lookAt(before, { bad: 2, total: 30 });
    expect(lost.spans).toEqual([{ ...span, seen: { state: "counts", bad: 1, total: 20 } }]);
  });

  it.each([
    { bad: 0, total: 30, visitors: 9 },
    { bad: 2, total: 9, visitors: 9 },
    { bad: 2, total: 30, visitors: 4 },
    { bad: 15, total: 16, visitors: 9 },
  ])("has not seen the time in which a part of one fell: %j", async (answer) => {
    const finding = await lookAt(before, answer);
    expect(finding).toMatchObject({ spans: [], counter: { atMs: 2_000, ...answer } });
    expect(finding.unanswered).toEqual({
      ...span,
      seen: { state: "stale", reason: "its counters fell: they began anew since the last look" },
    });
  });

  it("has not seen the time in which the process began anew, however much it has counted since", async () => {
    const known = { ...before, processStartSeconds: 1_700_000_000 };
    const answer = { bad: 40, total: 500, visitors: 90 };
    const finding = await lookAt(known, { ...answer, processStartSeconds: 1_700_000_600 });
    expect(finding).toMatchObject({ spans: [], counter: { processStartSeconds: 1_700_000_600, ...answer } });
    expect(finding.unanswered).toEqual({
      ...span,
      seen: {
        state: "stale",
        reason: "its process is another one than at the last look: its counters began anew",
      },
    });
    for (const start of [1_700_000_001, undefined]) {
      const same = await lookAt(known, { ...answer, ...(start && { processStartSeconds: start }) });
      expect(same.spans).toHaveLength(1);
    }
  });

  it("takes no counts from two instances that answer in turns, whichever comes first", async () => {
    for (const order of ["ABABAB", "ABBABA", "BABAAB"]) {
      const totals = { A: 1000, B: 400 };
      let counter: CounterReading = { atMs: 1_000, bad: 0, total: order.startsWith("A") ? 1000 : 400 };
      const reasons: string[] = [];
      for (const name of order.slice(1) as Iterable<"A" | "B">) {
        const finding = await lookAt({ ...counter, atMs: 1_000 }, { bad: 0, total: (totals[name] += 10) });
        counter = finding.counter!;
        const { seen } = finding.spans[0] ?? {};
        if (order.startsWith("A")) expect(seen === undefined || seen.state === "counts").toBe(true);
        if (seen?.state === "counts" && order.startsWith("A")) expect(seen.total).toBe(10);
        const unanswered = finding.unanswered?.seen;
        if (unanswered !== undefined && "reason" in unanswered) reasons.push(unanswered.reason);
      }
      expect(reasons.join()).toContain("two instances answer in turns at one address");
    }
  });

  it("counts on after it began anew, also past where it was", async () => {
    const fell = { from: 1000, to: 5 };
    const finding = await lookAt({ atMs: 1_000, bad: 1, total: 995, fell }, { bad: 1, total: 1005 });
    expect(finding.spans).toEqual([{ ...span, seen: { state: "counts", bad: 0, total: 10 } }]);
  });
});
