import { describe, expect, it } from "vitest";
import { prometheusSignals } from "../../../../src/providers/signals/prometheus/index.ts";
import { quantileOf } from "../../../../src/providers/signals/prometheus/latency.ts";
import { fillExpression } from "../../../../src/providers/signals/prometheus/values.ts";

const GOOD = {
  url: "http://127.0.0.1:9090",
  queries: { error_rate: { bad: 'x_total{status=~"5.."}', total: "x_total" } },
};

describe("settings of a prometheus source", () => {
  it("have defaults for all but the address and the queries", () => {
    expect(prometheusSignals.schema.parse(GOOD)).toEqual({
      ...GOOD,
      timeout: "10s",
      lag: "30s",
      interval: "15s",
    });
  });

  it.each([
    [
      "an address with a password in it",
      { url: "http://me:secret@host" },
      "is neither an http(s) address nor a reference",
    ],
    ["a token as it is", { token: "s3cret" }, "must be a reference, not a value"],
    [
      "two kinds of credentials",
      { token: "env:T", basic: { user: "me", password: "env:P" } },
      "has both token and basic; only one can be sent",
    ],
    [
      "a sum where a selector is needed",
      { queries: { error_rate: { bad: "sum(x_total)", total: "x_total" } } },
      "expected the end, or {",
    ],
    [
      "half of a share",
      { queries: { error_rate: { bad: "x_total" } } },
      "Invalid input: expected string, received undefined",
    ],
    ["no query", { queries: {} }, "is empty"],
    [
      "a name that no rule can say",
      { queries: { "a b": { events: "x_total" } } },
      "is not a name that a rule can use",
    ],
    ["a lag that is shorter than the scrapes are apart", { lag: "5s" }, "is shorter than interval"],
    ["a lag of hours", { lag: "2h" }, "is longer than 1h"],
    ["scrapes that nobody makes", { interval: "1ms" }, "is shorter than 100ms"],
    ["a time limit without an end", { timeout: "1h" }, "must be more than nothing and at most 60s"],
    ["a word that it does not know", { query: {} }, 'Unrecognized key: "query"'],
  ])("refuse %s", (_what, change, message) => {
    expect(prometheusSignals.schema.safeParse({ ...GOOD, ...change }).error?.issues).toMatchObject([
      { message },
    ]);
  });
});

describe("an expression", () => {
  it("takes a release in inside its quoted texts, as itself in a pattern", () => {
    const text = `sum(x{a="{release}", b=~"{release}|y", c!~ '{release}', d=\`{release}\`}) by (release)`;
    expect(fillExpression(text, `1.2'"`)).toBe(
      `sum(x{a="1.2\\'\\"", b=~"1\\\\.2\\'\\"|y", c!~ '1\\\\.2\\'\\"', d=\`1.2'"\`}) by (release)`,
    );
  });
});

describe("a quantile", () => {
  const buckets = [
    { ms: 100, count: 50 },
    { ms: 500, count: 90 },
    { ms: Infinity, count: 100 },
  ];

  it.each([
    [0.25, 50],
    [0.5, 100],
    [0.7, 300],
    [0.9, 500],
    [0.99, 500],
  ])("of %d lies inside of its bucket, and never above the greatest bound", (share, ms) => {
    expect(quantileOf(buckets, share)).toBeCloseTo(ms, 9);
  });

  it("of nothing is none", () => {
    expect(quantileOf([{ ms: Infinity, count: 0 }], 0.5)).toBeUndefined();
    expect(quantileOf([], 0.5)).toBeUndefined();
  });
});
