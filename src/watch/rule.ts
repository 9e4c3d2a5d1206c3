import * as z from "zod";
import { parseDuration } from "../lib/duration.ts";
import { durationSchema, idSchema } from "../model/runbook.ts";

/** What a rule can look at. Every one is computed from counters, so that windows can be cut at any length. */
export const ruleSignalSchema = z.enum([
  "errorRatePercent",
  "requestsPerSecond",
  "slowSharePercent",
  "p50Ms",
  "p95Ms",
  "p99Ms",
]);

export type RuleSignal = z.output<typeof ruleSignalSchema>;

const unitOf: Record<RuleSignal, string> = {
  errorRatePercent: "%",
  slowSharePercent: "%",
  requestsPerSecond: "per second",
  p50Ms: "ms",
  p95Ms: "ms",
  p99Ms: "ms",
};

/** What happens when a rule or probe is broken: everything is rolled back, or the run waits for a person. */
export const onBreachSchema = z.enum(["rollback", "hold"]);

/**
 * A condition on a signal. It is broken when the value over its window crosses the limit and stays there, at
 * every reading, for `for`. Requirement E5: a ratio has a floor of requests below which nothing is concluded.
 */
export const ruleSchema = z
  .strictObject({
    id: idSchema.describe("Name of the rule, unique in the watch"),
    signal: ruleSignalSchema.describe(
      "errorRatePercent: 5xx and unanswered requests of all. slowSharePercent: requests slower than slowerThan of all. p50Ms, p95Ms, p99Ms: latency quantiles. requestsPerSecond",
    ),
    slowerThan: durationSchema.optional().describe("For slowSharePercent: what counts as slow"),
    source: z.string().min(1).default("edge").describe("Name of the signal source"),
    of: z
      .enum(["release", "previous"])
      .default("release")
      .describe("Whose requests: the new release's or the previous one's"),
    above: z.number().min(0).optional().describe("Broken while the value is above this; give this or below"),
    below: z.number().min(0).optional().describe("Broken while the value is below this; give this or above"),
    for: durationSchema.describe("How long it must stay broken without a reading to the contrary"),
    over: durationSchema
      .optional()
      .describe("Length of the sliding window of each value; the same as for when left out"),
    minRequests: z
      .int()
      .min(1)
      .default(50)
      .describe(
        "Requests in the window below which the rule concludes nothing; not used by requestsPerSecond",
      ),
    onBreach: onBreachSchema.default("rollback").describe("rollback: roll back at once. hold: ask a person"),
  })
  .refine((rule) => (rule.above === undefined) !== (rule.below === undefined), {
    error: "needs either above or below",
    path: ["above"],
  })
  .refine((rule) => (rule.signal === "slowSharePercent") === (rule.slowerThan !== undefined), {
    error: "is needed by slowSharePercent and by no other signal",
    path: ["slowerThan"],
  })
  .refine((rule) => parseDuration(rule.for) !== 0 && parseDuration(rule.over ?? "1s") !== 0, {
    error: "must be longer than nothing",
    path: ["for"],
  });

export type Rule = z.output<typeof ruleSchema>;

/** An address that must go on answering, asked at every tick from outside. */
export const probeSchema = z.strictObject({
  id: idSchema.describe("Name of the probe, unique in the watch"),
  path: z.string().startsWith("/").describe("Path below the environment's URL"),
  expectStatus: z.int().min(100).max(599).default(200).describe("The status that is right"),
  maxLatency: durationSchema.default("2s").describe("An answer that takes longer is a failure"),
  failures: z.int().min(1).max(100).default(3).describe("How many failures in a row break it"),
  onBreach: onBreachSchema.default("rollback").describe("rollback: roll back at once. hold: ask a person"),
});

export type Probe = z.output<typeof probeSchema>;

export function holdMs(rule: Rule): number {
  return parseDuration(rule.for) ?? 0;
}

export function windowMs(rule: Rule): number {
  return parseDuration(rule.over ?? rule.for) ?? 0;
}

/** 0 for the signals that have no floor. */
export function requestFloor(rule: Rule): number {
  return rule.signal === "requestsPerSecond" ? 0 : rule.minRequests;
}

/** "rolls back when errors of the new release exceed 1 % for 5s, at 50 requests or more" */
export function describeRule(rule: Rule): string {
  const floor = requestFloor(rule) === 0 ? "" : `, at ${rule.minRequests} requests or more`;
  const over = rule.over === undefined || rule.over === rule.for ? "" : `, each value over ${rule.over}`;
  return `${verbOf(rule.onBreach)} when ${subjectOf(rule)} ${comparisonOf(rule)} for ${rule.for}${over}${floor}`;
}

/** "rolls back when GET /health does not answer 200 within 2s, 3 times in a row" */
export function describeProbe(probe: Probe): string {
  const times = probe.failures === 1 ? "once" : `${probe.failures} times in a row`;
  return `${verbOf(probe.onBreach)} when GET ${probe.path} does not answer ${probe.expectStatus} within ${probe.maxLatency}, ${times}`;
}

/** "errors of the new release" */
export function subjectOf(rule: Rule): string {
  const whose = rule.of === "release" ? "the new release" : "the previous release";
  const subjects: Record<RuleSignal, string> = {
    errorRatePercent: `errors of ${whose}`,
    slowSharePercent: `requests of ${whose} slower than ${rule.slowerThan ?? "?"}`,
    requestsPerSecond: `requests to ${whose}`,
    p50Ms: `the p50 latency of ${whose}`,
    p95Ms: `the p95 latency of ${whose}`,
    p99Ms: `the p99 latency of ${whose}`,
  };
  return subjects[rule.signal];
}

/** A value of the rule's signal with its unit: "2.6 %", "431 ms", "12 per second". */
export function formatValue(rule: Rule, value: number): string {
  const unit = unitOf[rule.signal];
  const digits = unit === "ms" && value >= 10 ? 0 : 2;
  return `${Number(value.toFixed(digits))} ${unit}`;
}

/** "above 1 %" */
export function limitOf(rule: Rule): string {
  return rule.above === undefined
    ? `below ${formatValue(rule, rule.below ?? 0)}`
    : `above ${formatValue(rule, rule.above)}`;
}

function comparisonOf(rule: Rule): string {
  const s = unitOf[rule.signal] === "ms" ? "s" : "";
  if (rule.above !== undefined) return `exceed${s} ${formatValue(rule, rule.above)}`;
  return `stay${s} below ${formatValue(rule, rule.below ?? 0)}`;
}

function verbOf(onBreach: "rollback" | "hold"): string {
  return onBreach === "rollback" ? "rolls back" : "holds and asks";
}
