import type { Json, JsonObject } from "../../model/json.ts";
import type { Run, RunEvent } from "../../model/run.ts";

/** Raised when a field of the output changes its meaning or goes away. */
const SCHEMA_VERSION = 1;

/** One line of JSON with the version of the output's shape in front. */
export function jsonLine(value: object): string {
  return `${JSON.stringify({ schema_version: SCHEMA_VERSION, ...value })}\n`;
}

/** A run without its plan, which `show` prints. Times are ISO 8601. */
export function runJson(run: Run): JsonObject {
  const { plan, ...rest } = run;
  return toJson({
    ...rest,
    project: plan.project,
    purpose: plan.purpose,
    release: plan.release,
    previousRelease: plan.previousRelease,
    plan: plan.hash,
  }) as JsonObject;
}

export function eventJson(event: RunEvent): JsonObject {
  return toJson(event) as JsonObject;
}

/** The value as JSON has it: dates as text, what is undefined left out. */
export function toJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
