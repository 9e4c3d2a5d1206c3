import { describe, expect, it } from "vitest";
import { lintCase, lintCases } from "../../../bench/support/lint-corpus.ts";
import { lintRules } from "../../../src/postgres/lint/registry.ts";

const cases = lintCases();

describe("the labelled corpus", () => {
  it("has cases on either side, and labels that are rules", () => {
    expect(cases.filter(({ harms }) => harms.length > 0).length).toBeGreaterThanOrEqual(50);
    expect(cases.filter(({ harms }) => harms.length === 0).length).toBeGreaterThanOrEqual(20);
    const ids = new Set(lintRules.map(({ id }) => id));
    expect(cases.flatMap(({ harms }) => harms).filter((harm) => !ids.has(harm))).toEqual([]);
  });

  it.each(cases.filter(({ harms }) => harms.length > 0))("finds $harms: $name", async (each) => {
    const { findings } = await lintCase(each);
    expect(findings.map(({ rule }) => rule).filter((rule) => each.harms.includes(rule))).not.toEqual([]);
  });

  it.each(cases.filter(({ harms }) => harms.length === 0))("lets pass: $name", async (each) => {
    const { findings } = await lintCase(each);
    expect(findings.filter(({ severity }) => severity !== "note")).toEqual([]);
  });
});
