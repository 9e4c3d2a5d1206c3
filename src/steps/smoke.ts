import { parseDuration } from "../lib/duration.ts";
import type { PlanStepInput, StepContext, StepForecast, StepResult } from "../model/step-kind.ts";
import { defineStep } from "./define.ts";
import { askChecks } from "./smoke/ask-checks.ts";
import { smokeSchema, type SmokeSettings } from "./smoke/schema.ts";
import { READING_METHODS, selectChecks } from "./smoke/select.ts";

/** HTTP checks against the public address, or against the new release alone before it has traffic. */
export const smoke = defineStep({
  kind: "smoke",
  version: 1,
  inRollback: true,
  changesNothing: true,
  summary: "Asks the service over HTTP and compares the answers with what they must be.",
  requirements: ["E1", "F1"],
  schema: smokeSchema,
  example: `through: staged
grep: P0
checks:
  - id: health
    tags: [P0]
    path: /health
    expect: { json: [{ path: $.status, equals: ok }], maxLatency: 500ms }
    retry: { deadline: 10s }
  - id: login
    tags: [P0, auth]
    method: POST
    path: /login
    body: { json: { user: smoke, password: "\${variable.SMOKE_PASSWORD}" } }
    capture: { token: $.token }
  - id: orders
    tags: [P0]
    path: /orders
    headers: { authorization: "Bearer \${capture.token}" }
`,
  plan: forecast,
  observe: async () => ({ state: "absent", reason: "asking again does no harm" }),
  act,
});

function forecast({
  with: settings,
  environment,
  release,
}: PlanStepInput<SmokeSettings, null>): StepForecast {
  const checks = selectChecks(settings);
  const where =
    settings.through === "staged"
      ? `release ${release} before its traffic`
      : (settings.baseUrl ?? environment.url);
  const left = settings.checks.length - checks.length;
  const writes = checks.filter((check) => !READING_METHODS.has(check.method));
  const text =
    writes.length === 0
      ? "only asks"
      : `only asks; what ${writes.map((check) => check.id).join(", ")} wrote stays in the application`;
  return {
    summary: [
      `asks ${where}: ${checks.map((check) => check.id).join(", ")}${left === 0 ? "" : ` (${left} not chosen)`}`,
    ],
    risk: "low",
    durationMs: 0,
    timeoutMs: (parseDuration(settings.deadline) ?? 0) + 30_000,
    undo: { how: "none-needed", text },
    inputs: [],
    blocked: [],
  };
}

async function act(context: StepContext<SmokeSettings, null>): Promise<StepResult> {
  const place = await findPlace(context);
  if (!place.ok) return { outcome: "failed", reason: place.reason, result: { verdict: place.verdict } };
  return askChecks(context, {
    baseUrl: place.url,
    headers: place.headers,
    expectedRelease: context.with.through === "staged" ? context.release : undefined,
  });
}

type Place =
  | { ok: true; url: string; headers: Record<string, string> }
  | { ok: false; verdict: "fail" | "unknown"; reason: string };

async function findPlace({
  with: settings,
  environment,
  target,
  release,
}: StepContext<SmokeSettings, null>): Promise<Place> {
  if (settings.through === "public")
    return { ok: true, url: settings.baseUrl ?? environment.url, headers: {} };
  const found = await target.findRelease(release);
  if (found.state === "present") return { ok: true, url: found.value.url, headers: found.value.headers };
  if (found.state === "absent")
    return { ok: false, verdict: "fail", reason: `release ${release} is not running` };
  return {
    ok: false,
    verdict: "unknown",
    reason: `where release ${release} runs could not be found out: ${found.reason}`,
  };
}
