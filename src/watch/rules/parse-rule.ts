import type { Metric } from "../../model/metric.ts";
import { Cursor, Mistake } from "./cursor.ts";
import { parseCondition, parseMetric } from "./parse-condition.ts";
import { ruleOf } from "./rule-of.ts";
import {
  ACTIONS,
  POLICIES,
  POLICY_NAMES,
  SAMPLE_UNITS,
  type Action,
  type Condition,
  type Hold,
  type Mode,
  type Policy,
  type PolicyName,
  type RuleProblem,
  type WatchRule,
} from "./watch-rule.ts";

export type ParsedRule = { rule: WatchRule } | { problem: RuleProblem };

const ORDER =
  "after the condition come, in this order: for, min, confident or strictly, -> and what to do, on-blind …";

/**
 * Reads the text form: `errors: when error_rate > 1% for 5m min 50 requests -> rollback on-blind hold`. Pure.
 * Answers with the first problem; a rule that parses may still be refused by checkRule.
 */
export function parseRule(text: string): ParsedRule {
  return parsing(text, (cursor) => {
    const name = cursor.name("the rule's name");
    cursor.expect(":", `write ${name}: when error_rate > 1% for 5m -> rollback`);
    const kind = cursor.oneOf(["when", "expect"], "when or expect");
    const condition = parseCondition(cursor);
    const hold = parseHold(cursor);
    const sample = parseSample(cursor);
    const mode = parseMode(cursor);
    cursor.expect("->", ORDER);
    const action = cursor.oneOf(ACTIONS, "what to do");
    const policies = parsePolicies(cursor);
    cursor.end(ORDER);
    return ruleOf({ name, kind, condition, hold, sample, mode, action, policies });
  });
}

/** The parts of the form with one key per part; each is read alone, with the offsets of its own text. */
export const ruleParts = {
  condition: (text: string) => part<Condition>(text, parseCondition),
  metric: (text: string) => part<Metric>(text, parseMetric),
  hold: (text: string) => part<Hold>(text, (cursor) => holdBehindFor(cursor)),
  sample: (text: string) => part(text, (cursor) => sampleBehindMin(cursor)),
  mode: (text: string) => part<Mode>(text, modeOf),
  action: (text: string) => part<Action>(text, (cursor) => cursor.oneOf(ACTIONS, "what to do")),
  policy: (text: string) => part<Policy>(text, (cursor) => cursor.oneOf(POLICIES, "what to do then")),
};

export type Part<Value> = { value: Value } | { problem: RuleProblem };

function part<Value>(text: string, read: (cursor: Cursor) => Value): Part<Value> {
  const parsed = attempt(text, (cursor) => {
    const value = read(cursor);
    cursor.end("this part has a key of its own");
    return value;
  });
  return "problem" in parsed ? parsed : { value: parsed.value };
}

function parsing(text: string, read: (cursor: Cursor) => WatchRule): ParsedRule {
  const parsed = attempt(text, read);
  return "problem" in parsed ? parsed : { rule: parsed.value };
}

function attempt<Value>(text: string, read: (cursor: Cursor) => Value): Part<Value> {
  try {
    return { value: read(new Cursor(text)) };
  } catch (error) {
    if (error instanceof Mistake) return { problem: error.problem };
    throw error;
  }
}

function parseHold(cursor: Cursor): Hold | undefined {
  return cursor.take("for") ? holdBehindFor(cursor) : undefined;
}

function holdBehindFor(cursor: Cursor): Hold {
  if (cursor.next.kind === "duration") return { kind: "for", ms: cursor.duration("how long") };
  if (cursor.next.kind !== "number")
    throw cursor.mistake("expected how long or how often", "write for 5m, or for 3 of 5");
  const bad = cursor.count("how many looks");
  cursor.expect("of", `write ${bad} of ${bad + 2}, or a duration like 5m`);
  const word = cursor.next;
  const looks = cursor.count("of how many looks");
  if (looks >= bad) return { kind: "of", bad, looks };
  throw new Mistake({
    offset: word.offset,
    length: word.text.length,
    message: `${bad} of ${looks} can never be`,
    hint: `write ${looks} of ${bad}`,
  });
}

function parseSample(cursor: Cursor): WatchRule["sample"] {
  return cursor.take("min") ? sampleBehindMin(cursor) : undefined;
}

function sampleBehindMin(cursor: Cursor): NonNullable<WatchRule["sample"]> {
  const least = cursor.count("how many");
  return { least, unit: cursor.oneOf(SAMPLE_UNITS, "of what") };
}

function parseMode(cursor: Cursor): Mode | undefined {
  const { text } = cursor.next;
  return text === "confident" || text === "strictly" ? modeOf(cursor) : undefined;
}

function modeOf(cursor: Cursor): Mode {
  const kind = cursor.oneOf(["confident", "strictly"], "confident or strictly");
  if (kind === "strictly" || cursor.next.kind !== "number") return { kind };
  const word = cursor.next;
  const percent = cursor.number("the odds of a false alarm");
  cursor.expect("%", `write confident ${percent}%`);
  if (percent > 0 && percent <= 20) return { kind, percent };
  throw new Mistake({
    offset: word.offset,
    length: word.text.length,
    message: "the odds of a false alarm must be more than 0% and at most 20%",
    hint: "write confident 1%",
  });
}

function parsePolicies(cursor: Cursor): WatchRule["policies"] {
  const policies: Partial<Record<PolicyName, Policy>> = {};
  while (cursor.next.kind !== "end") {
    const { offset, text } = cursor.next;
    const name = cursor.oneOf(POLICY_NAMES, "a policy or the end of the rule");
    if (policies[name] !== undefined)
      throw new Mistake({ offset, length: text.length, message: `${name} is there twice`, hint: "keep one" });
    policies[name] = cursor.oneOf(POLICIES, "what to do then");
  }
  return policies;
}
