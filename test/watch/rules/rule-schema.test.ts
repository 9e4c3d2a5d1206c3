import { describe, expect, it } from "vitest";
import { parseRule } from "../../../src/watch/rules/parse-rule.ts";
import { ruleObjectSchema, ruleTextSchema } from "../../../src/watch/rules/rule-schema.ts";

describe("a rule in a runbook", () => {
  it("is the same with one key per part", () => {
    const text =
      "e: when error_rate over 1m > 1% for 5m min 50 requests confident 1% -> hold on-blind rollback";
    const parts = {
      name: "e",
      when: "error_rate over 1m > 1%",
      for: "5m",
      min: "50 requests",
      mode: "confident 1%",
      action: "hold",
      "on-blind": "rollback",
    };
    expect(ruleObjectSchema.parse(parts)).toEqual(ruleTextSchema.parse(text));
    expect(parseRule(text)).toEqual({ rule: ruleTextSchema.parse(text) });
  });

  it("tells the key, the place in its text, and what to write", () => {
    const wrong = ruleObjectSchema.safeParse({
      name: "e",
      expect: "error_rat < 1",
      action: "page",
      for: "5 min",
    });
    expect(wrong.error?.issues).toMatchObject([
      { path: ["for"], message: "expected of, found min", params: { offset: 2, length: 3 } },
    ]);
    expect(
      ruleObjectSchema.safeParse({ name: "e", when: "error_rate < 1", action: "page" }).error?.issues,
    ).toMatchObject([{ path: ["when"], message: "expected %", params: { offset: 14, hint: "write 1%" } }]);
  });

  it("needs a condition, and only one", () => {
    for (const conditions of [{}, { when: "a > 1", expect: "a < 1" }]) {
      const { error } = ruleObjectSchema.safeParse({ name: "e", action: "page", ...conditions });
      expect(error?.issues).toMatchObject([{ path: ["when"], message: "needs either when or expect" }]);
    }
  });
});
