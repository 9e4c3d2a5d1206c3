import { describe, expect, it } from "vitest";
import { checkRule, type RuleSetting } from "../../../src/watch/rules/check-rule.ts";
import { parseRule } from "../../../src/watch/rules/parse-rule.ts";
import { RUNBOOK_RULES } from "./runbook-rules.ts";

/** Five minutes of requests with counts and nothing before; gauges have none. */
const SETTING: RuleSetting = {
  stageMs: 300_000,
  givesCounts: ({ kind }) => kind === "error_rate" || kind === "share",
  hasBaseline: () => false,
  probes: ["health"],
};

function refusalsOf(text: string, change: Partial<RuleSetting> = {}): string[] {
  const parsed = parseRule(text);
  if ("problem" in parsed) throw new Error(`${text}: ${parsed.problem.message}`);
  return checkRule(parsed.rule, { ...SETTING, ...change }).map(({ reason, fix }) => `${reason}; ${fix}`);
}

describe("what a rule may not say", () => {
  it.each(RUNBOOK_RULES)("nothing is wrong with $source: $words", ({ rule }) => {
    expect(
      refusalsOf(rule, { stageMs: 86_400_000, hasBaseline: () => true, probes: ["health", "checkout"] }),
    ).toEqual([]);
  });

  it.each([
    ["e: when error_rate > 1% for 10m -> page", "it must hold for 10m 00s, and the stage is 5m 00s long"],
    ["e: when gauge(cpu) > 90% confident -> page", "gives no counts"],
    ["e: when error_rate > baseline(before 1h) * 2 -> page", "no way to capture its baseline"],
    ["e: when gauge(cpu) > control * 2 -> page", "control needs counts"],
    ["e: when error_rate > burn(99.9%, 30d) * 2 over 5m and 5m -> page", "short window is not shorter"],
    ["e: when error_rate > burn(100%, 30d) * 2 over 1h and 5m -> page", "between 0% and 100%"],
    ["e: when error_rate > 5% of max -> page", "only a gauge has a greatest value"],
    [
      "e: when cache_hit < baseline(pinned may) * 0.9 floor 5% -> page",
      "a floor is for rules about too much",
    ],
    ["e: expect cache_hit > baseline(pinned may) floor 5% -> hold", "a floor is for rules about too much"],
    ["e: when error_rate > 1% min 3 points -> page", "counts requests, not points; write min 3 requests"],
    ["e: when gauge(cpu) > 90% min 3 requests -> page", "how many requests there were; write min 3 points"],
    ["e: when count(groups) > 0 min 3 events -> page", "a count is its own sample; take min 3 events away"],
    ["e: expect error_rate < 1% -> rollback", "no reason to roll back"],
    ["e: when error_rate > 1% -> fail-gate", "fail-gate is what an expect rule does"],
    ["e: when probe(health2) fails -> page", 'there is no probe health2; did you mean "health"?'],
    ["e: when probe(health) fails for 1m -> page", "fails at looks, not for a time"],
    ["e: expect probe(health) fails -> hold", "expected to answer anyway"],
    ["e: when probe(health) fails min 3 points -> page", "has no sample"],
    ["e: when probe(health) fails confident -> page", "has no counts"],
  ])("%s", (text, reason) => {
    const refusals = refusalsOf(text, text.includes("pinned") ? { hasBaseline: () => true } : {});
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toContain(reason);
  });

  it("tells everything that is wrong at once", () => {
    expect(refusalsOf("e: when gauge(cpu) > baseline(before 1h) for 1h confident -> fail-gate")).toHaveLength(
      4,
    );
  });
});
