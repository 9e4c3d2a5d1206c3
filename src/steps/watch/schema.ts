import * as z from "zod";
import { suggest } from "../../lib/did-you-mean.ts";
import { formatDuration, parseDuration } from "../../lib/duration.ts";
import { durationSchema, idSchema, type IssueParams } from "../../model/runbook.ts";
import { spendsRisk } from "../../watch/fold/spends-risk.ts";
import { checkRule } from "../../watch/rules/check-rule.ts";
import { ruleObjectSchema, ruleTextSchema } from "../../watch/rules/rule-schema.ts";
import { PROMOTERS } from "./early-end.ts";
import { parseRule } from "../../watch/rules/parse-rule.ts";
import { printRule } from "../../watch/rules/print-rule.ts";
import { POLICIES, type WatchRule } from "../../watch/rules/watch-rule.ts";

const MIN_INTERVAL_MS = 100;
const MAX_DURATION_MS = 14 * 86_400_000;
/** Of a watch that gives no cadence: often while a gross regression would show, then once a minute. */
const EARLY_MS = 5 * 60_000;
const EARLY_EVERY_MS = 15_000;
const LATE_EVERY_MS = 60_000;

/** Either form; plans and evidence hold the text form. */
const ruleSchema = z.union([ruleTextSchema, ruleObjectSchema]).transform((rule) => printRule(rule));
const rulesSchema = z.array(ruleSchema).max(50);
const policySchema = z.enum(POLICIES);

const stageSchema = z.strictObject({
  name: idSchema.describe("Name of the stage, unique in the watch"),
  until: durationSchema.describe("When it ends, from the beginning of the watch"),
  every: durationSchema.describe("Pause between two looks; at least 100ms"),
  rules: rulesSchema.default([]).describe("Rules that hold in this stage only"),
});

const probeSchema = z.strictObject({
  name: idSchema.describe("Name by which rules speak of it: when probe(health) fails for 3 of 3 -> rollback"),
  path: z.string().startsWith("/").describe("Path below the environment's URL"),
  expectStatus: z.int().min(100).max(599).default(200).describe("The status that is right"),
  maxLatency: durationSchema.default("2s").describe("An answer that takes longer is a failure"),
});

/** Requirements E3, E4, E5. */
export const watchSchema = z
  .strictObject({
    duration: durationSchema
      .optional()
      .describe("How long to watch, at most 14d; left out when there are stages"),
    every: durationSchema
      .optional()
      .describe("Pause between two looks; 15s in the first five minutes and then 1m when left out"),
    stages: z
      .array(stageSchema)
      .max(20)
      .default([])
      .describe(
        "Parts with a cadence and rules of their own, one after another: 0 to 5m, to 30m, to 2h, to 24h",
      ),
    rules: rulesSchema
      .default([])
      .describe("Conditions on measured signals: errors: when error_rate > 1% for 5m -> rollback"),
    shadow: rulesSchema.default([]).describe("Rules that only write down what they would have done"),
    probes: z
      .array(probeSchema)
      .max(20)
      .default([])
      .describe("Addresses that are asked from outside at every look"),
    burst: durationSchema
      .optional()
      .describe(
        "How long errors may stay together without being a regression; estimated from before when left out, at least 10s",
      ),
    baselines: z
      .record(
        idSchema,
        z.strictObject({
          bad: z.number().min(0).describe("Bad requests"),
          total: z.number().min(1).describe("All requests"),
        }),
      )
      .default({})
      .describe("Measurements that were kept, for baseline(pinned NAME)"),
    promote: z
      .enum(PROMOTERS)
      .optional()
      .describe(
        "Who may end it early, keep the release and say why: anyone (on a protected environment an approver), approver, never; left out, an approver on a protected environment and nobody elsewhere",
      ),
    onBlind: policySchema
      .default("hold")
      .describe("When a rule cannot be seen for long, unless it says itself: hold asks a person"),
    onNodata: policySchema.default("hold").describe("When requests stop, unless the rule says itself"),
    onInconclusive: policySchema
      .default("hold")
      .describe("When the end is reached and it was not proven good, unless the rule says itself"),
  })
  .superRefine((settings, context) => {
    const refuse: Refuse = (path, message, hint, word) => {
      const params: IssueParams = {
        ...(hint === undefined ? {} : { hint }),
        ...(word === undefined ? {} : { word }),
      };
      context.addIssue({ code: "custom", path, message, params });
    };
    checkTimes(settings, refuse);
    checkRules(settings, refuse);
  });

export type WatchSettings = z.output<typeof watchSchema>;
export type ProbeSettings = z.output<typeof probeSchema>;

/** A stage of the watch with its times from the beginning, in ms. */
export interface PlannedWatchStage {
  name: string;
  fromMs: number;
  untilMs: number;
  everyMs: number;
  rules: WatchRule[];
}

/** The rule that a text of checked settings says. */
export function ruleOfText(text: string): WatchRule {
  const parsed = parseRule(text);
  if ("rule" in parsed) return parsed.rule;
  throw new Error(`${text}: ${parsed.problem.message}`);
}

/** What the settings say about time; never empty. */
export function stagesOf({
  stages,
  duration,
  every,
}: Pick<WatchSettings, "stages" | "duration" | "every">): PlannedWatchStage[] {
  let fromMs = 0;
  const planned: PlannedWatchStage[] = [];
  const add = (name: string, untilMs: number, everyMs: number, rules: WatchRule[]): void => {
    planned.push({ name, fromMs, untilMs, everyMs, rules });
    fromMs = untilMs;
  };
  for (const stage of stages)
    add(stage.name, msOf(stage.until), msOf(stage.every), stage.rules.map(ruleOfText));
  if (planned.length > 0) return planned;
  const durationMs = msOf(duration);
  if (every !== undefined) add("watch", durationMs, msOf(every), []);
  else if (durationMs <= EARLY_MS) add("watch", durationMs, Math.min(EARLY_EVERY_MS, durationMs), []);
  else {
    add("first-minutes", EARLY_MS, EARLY_EVERY_MS, []);
    add("after", durationMs, LATE_EVERY_MS, []);
  }
  return planned;
}

/** A rule of the settings, with its time from the beginning of the watch, in ms. */
export interface PlannedRule {
  rule: WatchRule;
  isShadow: boolean;
  fromMs: number;
  untilMs: number;
}

/** Every rule of the watch: those that hold all the time first, then those of its stages. */
export function rulesOf(settings: WatchSettings): PlannedRule[] {
  const stages = stagesOf(settings);
  const untilMs = stages.at(-1)!.untilMs;
  return [
    ...settings.rules.map((text) => ({ rule: ruleOfText(text), isShadow: false, fromMs: 0, untilMs })),
    ...settings.shadow.map((text) => ({ rule: ruleOfText(text), isShadow: true, fromMs: 0, untilMs })),
    ...stages.flatMap((stage) =>
      stage.rules.map((rule) => ({ rule, isShadow: false, fromMs: stage.fromMs, untilMs: stage.untilMs })),
    ),
  ];
}

/** Among how many of them the risk of a false rollback is divided. */
export function gatingRulesOf(rules: readonly PlannedRule[]): number {
  return Math.max(1, rules.filter((rule) => spendsRisk(rule)).length);
}

export function msOf(duration: string | undefined): number {
  return parseDuration(duration ?? "") ?? 0;
}

type Refuse = (path: (string | number)[], message: string, hint?: string, word?: string) => void;

function checkTimes({ duration, every, stages }: WatchSettings, refuse: Refuse): void {
  if ((duration === undefined) === (stages.length === 0))
    refuse(["duration"], "needs either duration or stages", "write duration: 30m, or a list of stages");
  if (every !== undefined && stages.length > 0)
    refuse(["every"], "is for a watch without stages", "give every stage its own every");
  if (msOf(duration) > MAX_DURATION_MS) refuse(["duration"], "is longer than 14d");
  if (every !== undefined && msOf(every) < MIN_INTERVAL_MS) refuse(["every"], "is shorter than 100ms");
  if (duration !== undefined && every !== undefined && msOf(duration) < msOf(every))
    refuse(["duration"], "is shorter than every");
  let before = 0;
  for (const [index, stage] of stages.entries()) {
    const untilMs = msOf(stage.until);
    if (untilMs <= before)
      refuse(
        ["stages", index, "until"],
        "is not after the stage before it",
        "until counts from the beginning",
      );
    if (untilMs > MAX_DURATION_MS) refuse(["stages", index, "until"], "is longer than 14d");
    if (msOf(stage.every) < MIN_INTERVAL_MS) refuse(["stages", index, "every"], "is shorter than 100ms");
    else if (untilMs > before && msOf(stage.every) > untilMs - before)
      refuse(["stages", index, "every"], `is longer than the stage, ${formatDuration(untilMs - before)}`);
    before = untilMs;
  }
}

function checkRules(settings: WatchSettings, refuse: Refuse): void {
  const { rules, shadow, stages, probes } = settings;
  const wholeMs = stages.length > 0 ? msOf(stages.at(-1)?.until) : msOf(settings.duration);
  const startOf = (index: number): number => (index === 0 ? 0 : msOf(stages[index - 1]?.until));
  const placed: { path: (string | number)[]; rule: WatchRule; stageMs: number }[] = [
    ...rules.map((text, index) => ({ path: ["rules", index], rule: ruleOfText(text), stageMs: wholeMs })),
    ...shadow.map((text, index) => ({ path: ["shadow", index], rule: ruleOfText(text), stageMs: wholeMs })),
    ...stages.flatMap((stage, at) =>
      stage.rules.map((text, index) => ({
        path: ["stages", at, "rules", index],
        rule: ruleOfText(text),
        stageMs: msOf(stage.until) - startOf(at),
      })),
    ),
  ];
  if (placed.length === 0)
    refuse(["rules"], "there is no rule", "write for example errors: when error_rate > 1% -> rollback");
  const seen = new Set<string>();
  const names = probes.map(({ name }) => name);
  for (const [index, name] of names.entries())
    if (names.indexOf(name) !== index) refuse(["probes", index, "name"], `"${name}" is used twice`);
  for (const { path, rule, stageMs } of placed) {
    if (seen.has(rule.name)) refuse(path, `the name ${rule.name} is used twice`, "every rule has its own");
    seen.add(rule.name);
    // What its source can do is known when planning.
    const setting = { stageMs, probes: names, givesCounts: () => true, hasBaseline: () => true };
    for (const { reason, fix, word } of checkRule(rule, setting)) refuse(path, reason, fix, word);
    const { condition } = rule;
    if (condition.kind !== "measure" || condition.target.kind !== "baseline") continue;
    const { from } = condition.target;
    if (from.kind === "pinned" && !Object.hasOwn(settings.baselines, from.id))
      refuse(
        path,
        `${rule.name}: there is no baseline ${from.id}`,
        suggest(from.id, Object.keys(settings.baselines), "baselines") || "declare it under baselines",
        from.id,
      );
  }
}
