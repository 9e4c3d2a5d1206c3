import type { Clock } from "../../lib/clock.ts";
import { formatDuration, parseDuration } from "../../lib/duration.ts";
import { request, type HttpOutcome, type HttpRequest, type HttpResponse } from "../../lib/http.ts";
import type { Json } from "../../model/json.ts";
import { judge, jsonOf, type Judgement } from "./judge.ts";
import { selectJson } from "../../lib/json-path.ts";
import type { Check } from "./schema.ts";
import { needsOf } from "./select.ts";
import { fillJson, fillText, type TemplateValues } from "./template.ts";

export interface CheckReport {
  id: string;
  title: string;
  tags: string[];
  /** "not-run": a check that it needs did not pass. "unknown": it could not be asked. */
  verdict: "pass" | "fail" | "unknown" | "not-run";
  reasons: string[];
  /** 0 when it was never sent. More than 1 for a pass means that it failed at first. */
  attempts: number;
  /** Of all attempts and pauses. */
  durationMs: number;
  request?: { method: string; url: string };
  response?: { status: number; durationMs: number; excerpt: string };
}

export interface CheckRun {
  checks: readonly Check[];
  baseUrl: string;
  /** Added to every request, over the check's own. */
  headers: Record<string, string>;
  deadlineMs: number;
  /** When given, an answer that names another release is a failure. */
  expectedRelease: string | undefined;
  variables: Record<string, string>;
  random: string;
  clock: Clock;
  signal: AbortSignal;
  onReport: (report: CheckReport) => void;
  /** Told every value found to capture, also in a wrong answer, before anything of that answer is shown. */
  onCapture: (name: string, value: string) => void;
  redact: (text: string) => string;
}

const MAX_ATTEMPTS = 1000;
const MIN_PAUSE_MS = 10;
const MAX_BODY_BYTES = 512 * 1024;
const EXCERPT_CHARACTERS = 500;

/** Runs the checks one after another and reports on every one. Throws only the reason of `signal`. */
export async function runChecks(run: CheckRun): Promise<CheckReport[]> {
  const endsAtMs = run.clock.monotonicMs() + run.deadlineMs;
  const captures = new Map<string, Json>();
  const values = { captures, variables: run.variables, random: run.random };
  const reports = new Map<string, CheckReport>();
  for (const check of run.checks) {
    run.signal.throwIfAborted();
    const report =
      blockedBy(check, run.checks, reports) ?? (await runCheck(check, run, values, captures, endsAtMs));
    reports.set(check.id, report);
    run.onReport(report);
  }
  return [...reports.values()];
}

function blockedBy(
  check: Check,
  checks: readonly Check[],
  reports: ReadonlyMap<string, CheckReport>,
): CheckReport | undefined {
  const missing = needsOf(check, checks).filter((id) => reports.get(id)?.verdict !== "pass");
  if (missing.length === 0) return undefined;
  return { ...emptyReport(check), verdict: "not-run", reasons: [`needs ${missing.join(", ")}`] };
}

async function runCheck(
  check: Check,
  run: CheckRun,
  values: TemplateValues,
  captures: Map<string, Json>,
  endsAtMs: number,
): Promise<CheckReport> {
  const { clock, signal } = run;
  const started = clock.monotonicMs();
  const built = buildRequest(check, run, values);
  if (!built.ok) return { ...emptyReport(check), verdict: "unknown", reasons: [built.reason] };
  const report: CheckReport = {
    ...emptyReport(check),
    request: { method: check.method, url: built.request.url },
  };
  const everyMs = Math.max(parseDuration(check.retry?.every ?? "") ?? 0, MIN_PAUSE_MS);
  const retryUntilMs = started + (parseDuration(check.retry?.deadline ?? "") ?? 0);
  const lastMs = Math.min(endsAtMs, retryUntilMs);
  while (report.attempts < MAX_ATTEMPTS) {
    const leftMs = endsAtMs - clock.monotonicMs();
    if (leftMs <= 0) break;
    Object.assign(report, await attempt(check, run, built.request, leftMs, captures));
    report.attempts++;
    if (report.verdict === "pass" || clock.monotonicMs() + everyMs > lastMs) break;
    await clock.sleep(everyMs, signal);
  }
  return { ...report, durationMs: clock.monotonicMs() - started };
}

/** One request and what it says. Captures are taken only from an answer that passed. */
async function attempt(
  check: Check,
  run: CheckRun,
  built: HttpRequest,
  leftMs: number,
  captures: Map<string, Json>,
): Promise<Partial<CheckReport>> {
  const ownMs = parseDuration(check.timeout) ?? 0;
  const outcome = await send({ ...built, timeoutMs: Math.min(ownMs, leftMs) });
  if (outcome.kind === "timeout" && leftMs < ownMs) {
    return {
      verdict: "unknown",
      reasons: [`the deadline of all checks ended ${formatDuration(leftMs)} after it was asked`],
    };
  }
  if (outcome.kind === "unbuildable") return { verdict: "unknown", reasons: [outcome.reason] };
  const found = outcome.kind === "response" ? findCaptures(check, run, outcome) : [];
  const judged = judge(check, outcome, { expectedRelease: run.expectedRelease, redact: run.redact });
  if (outcome.kind !== "response") return { ...judged };
  const { status, durationMs, body } = outcome;
  const seen = { status, durationMs, excerpt: run.redact(body).slice(0, EXCERPT_CHARACTERS) };
  const settled = judged.verdict === "pass" ? takeCaptures(found, captures) : judged;
  return { ...settled, response: seen };
}

async function send(built: HttpRequest): Promise<HttpOutcome | { kind: "unbuildable"; reason: string }> {
  try {
    return await request(built);
  } catch (error) {
    if (error instanceof TypeError)
      return { kind: "unbuildable", reason: `could not be built: ${error.message}` };
    throw error;
  }
}

interface Found {
  name: string;
  source: string;
  value: Json | undefined;
}

function findCaptures(check: Check, run: CheckRun, response: HttpResponse): Found[] {
  return Object.entries(check.capture).map(([name, source]) => {
    const value = captureFrom(response, source);
    if (value !== undefined) run.onCapture(name, typeof value === "string" ? value : JSON.stringify(value));
    return { name, source, value };
  });
}

function takeCaptures(found: readonly Found[], captures: Map<string, Json>): Judgement {
  const reasons: string[] = [];
  for (const { name, source, value } of found) {
    if (value === undefined) reasons.push(`nothing to capture for ${name} at ${source}`);
    else captures.set(name, value);
  }
  return { verdict: reasons.length === 0 ? "pass" : "fail", reasons };
}

function captureFrom(response: HttpResponse, source: string): Json | undefined {
  if (source.startsWith("header:")) return response.headers[source.slice("header:".length).toLowerCase()];
  const parsed = jsonOf(response);
  return parsed.ok ? (selectJson(parsed.value, source)[0] ?? undefined) : undefined;
}

type Built = { ok: true; request: HttpRequest } | { ok: false; reason: string };

function buildRequest(check: Check, run: CheckRun, values: TemplateValues): Built {
  const path = fillText(check.path, values, encodeURIComponent);
  const headers = fillJson(check.headers, values);
  const body = bodyOf(check, values);
  const missing = [path, headers, body].find((part) => !part.ok);
  if (missing?.ok === false)
    return { ok: false, reason: `could not be built: \${${missing.missing}} has no value` };
  if (!path.ok || !headers.ok || !body.ok) return { ok: false, reason: "could not be built" };
  const type = check.body !== undefined && "json" in check.body ? { "content-type": "application/json" } : {};
  return {
    ok: true,
    request: {
      url: run.baseUrl.replace(/\/+$/, "") + path.value,
      method: check.method,
      headers: { "user-agent": "tminus-smoke", ...type, ...textHeaders(headers.value), ...run.headers },
      ...(body.value === undefined ? {} : { body: body.value }),
      timeoutMs: 0,
      maxBodyBytes: MAX_BODY_BYTES,
      redirect: check.redirect,
      fresh: true,
      signal: run.signal,
    },
  };
}

/** Names in lower case, so that a check's own header replaces a default one. */
function textHeaders(headers: Json): Record<string, string> {
  const entries = Object.entries(headers ?? {}) as [string, Json][];
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name.toLowerCase(),
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

function bodyOf(
  check: Check,
  values: TemplateValues,
): { ok: true; value: string | undefined } | { ok: false; missing: string } {
  if (check.body === undefined) return { ok: true, value: undefined };
  if ("text" in check.body) return fillText(check.body.text, values);
  const filled = fillJson(check.body.json, values);
  return filled.ok ? { ok: true, value: JSON.stringify(filled.value) } : filled;
}

function emptyReport(check: Check): CheckReport {
  return {
    id: check.id,
    title: check.title ?? check.id,
    tags: check.tags,
    verdict: "unknown",
    reasons: ["the deadline of all checks was over before it was asked"],
    attempts: 0,
    durationMs: 0,
  };
}
