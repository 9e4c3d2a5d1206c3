import { formatDuration, parseDuration } from "../../lib/duration.ts";
import { randomText } from "../../lib/id.ts";
import { Redactor, Secret } from "../../lib/redact.ts";
import type { Json } from "../../model/json.ts";
import type { StepContext, StepResult } from "../../model/step-kind.ts";
import { toJUnit } from "./junit.ts";
import { runChecks, type CheckReport, type CheckRun } from "./run-checks.ts";
import type { Check, ChecksSettings } from "./schema.ts";
import { selectChecks } from "./select.ts";
import { namesIn } from "./template.ts";

const SHOWN_FAILURES = 3;

type Ctx = StepContext<ChecksSettings>;
type Place = Pick<CheckRun, "baseUrl" | "headers" | "expectedRelease">;

/**
 * Asks the checks that are meant of one place and keeps their reports as evidence (junit.xml, checks.json). The outcome
 * is done only when every one passed; `result.verdict` tells a failure from what could not be asked. Throws only the
 * reason of the step's signal.
 */
export async function askChecks(context: Ctx, place: Place): Promise<StepResult> {
  const count = selectChecks(context.with).length;
  let done = 0;
  const shown = await reportsOf(context, place, (line) => context.progress(`${++done}/${count} ${line}`));
  await context.evidence("junit.xml", toJUnit(context.stepId, shown));
  await context.evidence("checks.json", JSON.stringify(shown, undefined, 2));
  return resultOf(shown);
}

/** The reports of the checks that are meant, without secrets, and each as a line when it is there. Throws only the reason of the step's signal. */
export async function reportsOf(
  context: Ctx,
  place: Place,
  tell: (line: string) => void,
): Promise<CheckReport[]> {
  const { with: settings, signal, clock } = context;
  const checks = selectChecks(settings);
  const redactor = new Redactor();
  const redact = (text: string): string => context.redact(redactor.redact(text));
  const reports = await runChecks({
    ...place,
    checks,
    deadlineMs: parseDuration(settings.deadline) ?? 0,
    variables: revealed(context, checks, redactor),
    random: randomText(8),
    clock,
    signal,
    onReport: (report) => tell(redact(lineOf(report))),
    onCapture: (name, value) => redactor.add(new Secret(value, `capture:${name}`)),
    redact,
  });
  return redactor.redactJson(reports);
}

/** The environment's variables; those that checks send are hidden, so that they do not come back in a report. */
function revealed(context: Ctx, checks: readonly Check[], redactor: Redactor): Record<string, string> {
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
