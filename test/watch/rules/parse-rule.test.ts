import { describe, expect, it } from "vitest";
import { parseRule } from "../../../src/watch/rules/parse-rule.ts";
import { printRule } from "../../../src/watch/rules/print-rule.ts";
import type { RuleProblem, WatchRule } from "../../../src/watch/rules/watch-rule.ts";
import { RUNBOOK_RULES } from "./runbook-rules.ts";

function ruleOf(text: string): WatchRule {
  const parsed = parseRule(text);
  if ("problem" in parsed) throw new Error(`${text}: ${parsed.problem.message} at ${parsed.problem.offset}`);
  return parsed.rule;
}

function problemOf(text: string): RuleProblem {
  const parsed = parseRule(text);
  if ("rule" in parsed) throw new Error(`${text} parses`);
  return parsed.problem;
}

describe("the text form of a rule", () => {
  it.each(RUNBOOK_RULES)("says what $source says: $words", ({ rule }) => {
    expect(printRule(ruleOf(rule))).toBe(rule);
  });

  it("reads every part", () => {
    expect(
      ruleOf(
        "errors: when error_rate over 90s >= control + 1pp floor 0.5% for 3 of 5 min 50 requests confident 0.5% -> hold on-blind rollback on-inconclusive hold",
      ),
    ).toEqual({
      name: "errors",
      kind: "when",
      condition: {
        kind: "measure",
        metric: { kind: "error_rate" },
        overMs: 90_000,
        compare: ">=",
        target: { kind: "control", change: { by: "points", value: 1 }, floor: 0.5 },
      },
      hold: { kind: "of", bad: 3, looks: 5 },
      sample: { least: 50, unit: "requests" },
      mode: { kind: "confident", percent: 0.5 },
      action: "hold",
      policies: { "on-blind": "rollback", "on-inconclusive": "hold" },
    });
  });

  it("reads which sources are asked", () => {
    const text = "errors: when error_rate from edge and prom over 5m > 1% -> rollback";
    expect(ruleOf(text).condition).toMatchObject({ from: ["edge", "prom"], overMs: 300_000 });
    expect(printRule(ruleOf(text))).toBe(text);
    expect(problemOf("errors: when error_rate from > 1% -> rollback").message).toBe(
      "expected the name of a source, found >",
    );
  });

  it("takes + 50% for one and a half times as much, and + 50pp for percentage points", () => {
    const changeOf = (change: string): unknown =>
      (
        ruleOf(`e: when error_rate > baseline(pinned friday) ${change} -> page`).condition as {
          target: object;
        }
      ).target;
    expect(changeOf("+ 50%")).toMatchObject({ change: { by: "percent", value: 50 } });
    expect(changeOf("+ 50pp")).toMatchObject({ change: { by: "points", value: 50 } });
    expect(changeOf("* 2")).toMatchObject({ change: { by: "factor", value: 2 } });
    expect(changeOf("")).not.toHaveProperty("change");
  });

  it("reads what it prints as the same rule, whatever its parts are", () => {
    for (const text of everyCombination()) {
      const rule = ruleOf(text);
      expect(ruleOf(printRule(rule)), text).toEqual(rule);
    }
  });

  it.each([
    ["errors when error_rate > 1% -> page", "when", "expected :, found when", "write errors: when"],
    [
      "errors: wen error_rate > 1% -> page",
      "wen",
      "expected when or expect, found wen",
      'did you mean "when"?',
    ],
    ["e: when error_rate > 1 -> page", "->", "expected %", "write 1%"],
    [
      "e: when error_rate > baseline(before 1d) + 50 -> page",
      "->",
      "expected % or pp",
      "one and a half times",
    ],
    ["e: when error_rate > -> page", "->", "expected a limit, found ->", "write a number"],
    ["e: when error_rate -> page", "->", "expected a comparison, found ->", "write one of"],
    ["e: when error_rate = 1% -> page", "=", "expected a comparison, found =", "write one of: >=, <=, >, <"],
    ["e: when share(latency) > 5% -> page", ")", "expected >, found )", "share(latency > 1s)"],
    ["e: when p95(latency) > 1 -> page", "1", "expected a latency, found 1", "write a duration"],
    ["e: when p95(latency) > 1.5s -> page", "1.5", "expected a latency, found 1.5", "write a duration"],
    ["e: when error_rate > 1% for 5 -> page", "->", "expected of, found ->", "a duration like 5m"],
    ["e: when error_rate > 1% for 5 of 3 -> page", "3", "5 of 3 can never be", "write 3 of 5"],
    [
      "e: when error_rate > 1% min 50 request -> page",
      "request",
      "expected of what, found request",
      "requests",
    ],
    ["e: when error_rate > 1% -> rolback", "rolback", "expected what to do, found rolback", "rollback"],
    ["e: when error_rate > 1% confident 80% -> page", "80", "at most 20%", "confident 1%"],
    ["e: when error_rate > 1% -> page for 5m", "for", "expected a policy or the end", "on-blind"],
    ["e: when error_rate > 1% -> page on-blind hold on-blind hold", "on-blind", "there twice", "keep one"],
    ["e: when error_rate > 1% -> page on-blind", "", "expected what to do then", "hold"],
    ["e: when probe(health) > 1 -> page", ">", "expected fails, found >", "probe(health) fails"],
    ["e: when count(orders) > 5% -> page", "->", "a count has no percent", "error_rate"],
    ["e: when cache > baseline(same-hours last 36h) -> page", "36h", "expected whole days", "last 7d"],
    ["", "", "expected the rule's name", "write the rule's name"],
  ])("says where %s is wrong and what to write", (text, word, message, hint) => {
    const problem = problemOf(text);
    expect(text.slice(problem.offset, problem.offset + problem.length)).toBe(word);
    expect(problem.message).toContain(message);
    expect(problem.hint).toContain(hint);
  });

  it("answers to any text with a rule or a problem inside it", () => {
    const whole = RUNBOOK_RULES[0]!.rule;
    for (let cut = 0; cut <= whole.length; cut++) {
      for (const text of [
        whole.slice(0, cut),
        whole.slice(cut),
        `${whole.slice(0, cut)}§${whole.slice(cut)}`,
      ]) {
        const parsed = parseRule(text);
        if ("rule" in parsed) continue;
        const { offset, length } = parsed.problem;
        expect(offset + length, text).toBeLessThanOrEqual(text.length);
      }
    }
  });
});

function everyCombination(): string[] {
  const conditions = [
    "error_rate > 1%",
    "share(latency > 1s500ms) over 1h30m >= 5%",
    "p99(latency) < 2s",
    "gauge(pg_conn) > 95% of max",
    "count(orders) <= 3",
    "cache_hit < 80%",
    "error_rate > baseline(same-hours last 7d) * 2.5 floor 0.1%",
    "error_rate > control + 1pp",
    "error_rate > burn(99.95%, 30d) * 6 over 6h and 30m",
    "probe(health) fails",
  ];
  const tails = [
    "",
    " for 5m",
    " for 2 of 3",
    " min 10 points",
    " strictly",
    " confident",
    " confident 0.1%",
  ];
  return conditions.flatMap((condition) =>
    tails.map((tail) => `r: when ${condition}${tail} -> hold on-nodata rollback`),
  );
}
