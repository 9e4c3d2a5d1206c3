import { formatDuration, parseDuration } from "../lib/duration.ts";
import { randomText } from "../lib/id.ts";
import { Redactor, Secret } from "../lib/redact.ts";
import type { Json } from "../model/json.ts";
import type { PlanStepInput, StepContext, StepForecast, StepResult } from "../model/step-kind.ts";
import { defineStep } from "./define.ts";
import { toJUnit } from "./smoke/junit.ts";
import { runChecks, type CheckReport } from "./smoke/run-checks.ts";
import { smokeSchema, type Check, type SmokeSettings } from "./smoke/schema.ts";
import { selectChecks } from "./smoke/select.ts";
import { namesIn } from "./smoke/template.ts";

const READING_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);
const SHOWN_FAILURES = 3;

/** HTTP checks against the public address, or against the new release alone before it has traffic. */
export const smoke = defineStep({
  kind: "smoke",
  version: 1,
  inRollback: true,
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
  const { with: settings, release, signal, clock } = context;
  const place = await findPlace(context);
  if (!place.ok) return { outcome: "failed", reason: place.reason, result: { verdict: place.verdict } };
  const checks = selectChecks(settings);
  const redactor = new Redactor();
  const redact = (text: string): string => context.redact(redactor.redact(text));
  let done = 0;
  const reports = await runChecks({
    checks,
    baseUrl: place.url,
    headers: place.headers,
    deadlineMs: parseDuration(settings.deadline) ?? 0,
    expectedRelease: settings.through === "staged" ? release : undefined,
    variables: revealed(context, checks, redactor),
    random: randomText(8),
    clock,
    signal,
    onReport: (report) => context.progress(redact(`${++done}/${checks.length} ${lineOf(report)}`)),
    onCapture: (name, value) => redactor.add(new Secret(value, `capture:${name}`)),
    redact,
  });
  const shown = redactor.redactJson(reports);
  await context.evidence("junit.xml", toJUnit(context.stepId, shown));
  await context.evidence("checks.json", JSON.stringify(shown, undefined, 2));
  return resultOf(shown);
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

/** The environment's variables; those that checks send are hidden, so that they do not come back in a report. */
function revealed(
  context: StepContext<SmokeSettings, null>,
  checks: readonly Check[],
  redactor: Redactor,
): Record<string, string> {
  const variables = context.variables();
  const sent = new Set(checks.flatMap(({ path, headers, body }) => namesIn([path, headers, body ?? null])));
  for (const [name, value] of Object.entries(variables)) {
    if (sent.has(`variable.${name}`)) redactor.add(new Secret(value, name));
  }
  return variables;
}

/** A value can come back as it is, in a URL, or in JSON. */
function resultOf(reports: CheckReport[]): StepResult {
  const having = (...verdicts: CheckReport["verdict"][]): CheckReport[] =>
    reports.filter((report) => verdicts.includes(report.verdict));
  const failed = having("fail");
  const unknown = having("unknown");
  const notRun = having("not-run");
  const late = having("pass").filter((report) => report.attempts > 1);
  const result = {
    verdict: failed.length > 0 ? "fail" : unknown.length > 0 ? "unknown" : "pass",
    passed: having("pass").length,
    failed: failed.length,
    unknown: unknown.length,
    notRun: notRun.length,
    passedAfterRetry: late.map((report) => report.id),
    checks: reports.map((report): Json => ({
      id: report.id,
      verdict: report.verdict,
      reasons: report.reasons,
    })),
  };
  if (failed.length + unknown.length + notRun.length === 0) {
    const retried = late.length === 0 ? "" : `, after retries: ${late.map((report) => report.id).join(", ")}`;
    return {
      outcome: "done",
      reason: `${reports.length} of ${reports.length} checks passed${retried}`,
      result,
    };
  }
  const parts = [
    ...(failed.length === 0
      ? []
      : [`${failed.length} of ${reports.length} checks failed: ${listOf(failed)}`]),
    ...(unknown.length === 0 ? [] : [`${unknown.length} could not be asked: ${listOf(unknown)}`]),
    ...(notRun.length === 0 ? [] : [`${notRun.length} not run`]),
  ];
  return { outcome: "failed", reason: parts.join("; "), result };
}

function listOf(reports: CheckReport[]): string {
  const shown = reports.slice(0, SHOWN_FAILURES).map((report) => `${report.id} ${report.reasons.join(", ")}`);
  const more = reports.length - shown.length;
  return shown.join("; ") + (more === 0 ? "" : `; and ${more} more`);
}

function lineOf(report: CheckReport): string {
  const time = formatDuration(report.durationMs);
  if (report.verdict !== "pass") return `${report.id} ${report.verdict}: ${report.reasons.join(", ")}`;
  return `${report.id} ok ${time}${report.attempts > 1 ? ` at attempt ${report.attempts}` : ""}`;
}
