import * as z from "zod";
import type { IssueParams } from "../../model/runbook.ts";
import { parseRule, ruleParts, type Part } from "./parse-rule.ts";
import { ruleOf } from "./rule-of.ts";
import { POLICY_NAMES, type RuleProblem, type WatchRule } from "./watch-rule.ts";

/** The text form, parsed. Problems name the word and its place in the text. */
export const ruleTextSchema = z
  .string()
  .min(1)
  .transform((text, context): WatchRule => {
    const parsed = parseRule(text);
    if ("rule" in parsed) return parsed.rule;
    context.addIssue(issueOf(parsed.problem));
    return z.NEVER;
  });

/** What to measure, as a rule writes it in front of its comparison. */
export const metricSchema = partSchema(ruleParts.metric);

const policyText = partSchema(ruleParts.policy).optional();

/** The form with one key per part: `{name: errors, when: error_rate > 1%, for: 5m, action: rollback}`. */
export const ruleObjectSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z_][\w-]*$/)
      .describe("Name of the rule, unique in its watch"),
    when: partSchema(ruleParts.condition)
      .optional()
      .describe("Acts as soon as this is true: error_rate > 1%"),
    expect: partSchema(ruleParts.condition).optional().describe("Must be shown to be true: error_rate < 1%"),
    for: partSchema(ruleParts.hold).optional().describe("How long (5m) or how often (3 of 5)"),
    min: partSchema(ruleParts.sample).optional().describe("Below it nothing is concluded: 50 requests"),
    mode: partSchema(ruleParts.mode).optional().describe("confident, confident 1%, or strictly"),
    action: partSchema(ruleParts.action).describe("rollback, hold, page, note or fail-gate"),
    "on-blind": policyText.describe("When the source does not answer"),
    "on-nodata": policyText.describe("When it answers with nothing"),
    "on-inconclusive": policyText.describe("When too little was seen"),
  })
  .transform((parts, context): WatchRule => {
    const kind = parts.when === undefined ? "expect" : "when";
    const condition = parts.when ?? parts.expect;
    if (condition === undefined || (parts.when !== undefined && parts.expect !== undefined)) {
      const params: IssueParams = { hint: "write when: error_rate > 1%, or expect: error_rate < 1%" };
      context.addIssue({ code: "custom", message: "needs either when or expect", path: ["when"], params });
      return z.NEVER;
    }
    const { name, action, for: hold, min: sample, mode } = parts;
    const policies = Object.fromEntries(
      POLICY_NAMES.flatMap((policy) => (parts[policy] === undefined ? [] : [[policy, parts[policy]]])),
    ) as WatchRule["policies"];
    return ruleOf({ name, kind, condition, hold, sample, mode, action, policies });
  });

function partSchema<Value>(read: (text: string) => Part<Value>) {
  return z.string().transform((text, context): Value => {
    const parsed = read(text);
    if ("value" in parsed) return parsed.value;
    context.addIssue(issueOf(parsed.problem));
    return z.NEVER;
  });
}

function issueOf({ offset, length, message, hint }: RuleProblem) {
  return { code: "custom", message, params: { hint, offset, length } satisfies IssueParams } as const;
}
