import { actorRecord } from "../../model/actor-text.ts";
import type { Json, JsonObject } from "../../model/json.ts";
import type { Run, RunEvent } from "../../model/run.ts";
import { timelineOf } from "../../report/timeline-text.ts";
import type { RuleReport } from "../../model/watch-report.ts";

/** Raised when a field of the output changes its meaning or goes away. */
const SCHEMA_VERSION = 1;

/** One line of JSON with the version of the output's shape in front. */
export function jsonLine(value: object): string {
  return `${JSON.stringify({ schema_version: SCHEMA_VERSION, ...value })}\n`;
}

/** A run without its plan, which `show` prints. Times are ISO 8601. */
export function runJson(run: Run): JsonObject {
  const { plan, starter, ...rest } = run;
  const timeline = timelineOf(plan, run.zeroAt);
  return toJson({
    ...rest,
    starter: actorRecord(starter),
    project: plan.project,
    purpose: plan.purpose,
    release: plan.release,
    previousRelease: plan.previousRelease,
    plan: plan.hash,
    scheduled: plan.scheduled,
    ...(timeline.length === 0 ? {} : { timeline }),
  }) as JsonObject;
}

export function eventJson(event: RunEvent): JsonObject {
  return toJson(event) as JsonObject;
}

/** A rule without its samples and its arithmetic, which `show --rule` prints. */
export function ruleJson(stepId: string, rule: RuleReport): JsonObject {
  const { name, text, isShadow, verdict, reason, summary } = rule;
  return { step: stepId, name, text, isShadow, verdict, reason, summary };
}

/** The value as JSON has it: dates as text, what is undefined left out. */
export function toJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
