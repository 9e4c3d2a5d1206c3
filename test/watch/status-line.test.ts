import { describe, expect, it } from "vitest";
import { statusLine } from "../../src/watch/status-line.ts";
import { blind, counted, definitionOf, foldAll, probeOf, START, steady } from "./samples.ts";

const definition = definitionOf({ probes: [probeOf()] });

describe("statusLine", () => {
  it("shows every rule's value, every probe and the time left", () => {
    const [, last] = counted(3000, 600, 1);
    const ticks = [
      ...steady(2, 200, 0),
      [3000, { ...last, probes: { health: { outcome: "ok" as const, latencyMs: 12 } } }] as const,
    ];
    const state = foldAll(
      definition,
      ticks.map(([atMs, input]) => [atMs, input]),
    );
    expect(statusLine(definition, state, START + 3000)).toBe(
      "errors 0.25 % of 400 ok · health ok 12 ms · 7.0 s left",
    );
  });

  it("says what is missing when a rule cannot be judged", () => {
    const line = (ticks: Parameters<typeof foldAll>[1]): string =>
      statusLine(definition, foldAll(definition, ticks), START);
    expect(line([])).toContain("errors not seen yet");
    expect(line([blind(0)])).toContain("errors no data: gone");
    expect(line(steady(3, 10, 0))).toContain("errors 20 requests, too few to judge");
    expect(line(steady(2, 100, 5))).toContain("errors 5 % of 200, above 1 % for 1.0 s of 2s");
    expect(line(steady(5, 100, 5))).toContain("errors BROKEN 5 % of 200, above 1 %");
  });
});
