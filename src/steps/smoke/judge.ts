import { isDeepStrictEqual } from "node:util";
import { formatDuration, parseDuration } from "../../lib/duration.ts";
import type { HttpOutcome, HttpResponse } from "../../lib/http.ts";
import type { Json } from "../../model/json.ts";
import { matchesGlob } from "../../lib/glob.ts";
import { selectJson } from "../../lib/json-path.ts";
import type { Check } from "./schema.ts";

export interface Judgement {
  verdict: "pass" | "fail" | "unknown";
  /** Why it did not pass, one each. */
  reasons: string[];
}

export interface JudgeOptions {
  /** When given, an answer that names another release is a failure. */
  expectedRelease: string | undefined;
  /** Applied to everything that is quoted from the answer, before it is shortened. */
  redact: (text: string) => string;
}

type Shown = (value: Json | undefined) => string;

const SHOWN_CHARACTERS = 120;

/**
 * What an outcome says about the service. No answer, a refused connection and an unknown host are failures of a
 * service that should be up: a visitor would see them too. Unknown is only what this machine could not even ask.
 */
export function judge(check: Check, outcome: HttpOutcome, options: JudgeOptions): Judgement {
  if (outcome.kind === "timeout") return { verdict: "fail", reasons: [outcome.reason] };
  if (outcome.kind === "network-error") {
    const verdict = outcome.local ? "unknown" : "fail";
    return { verdict, reasons: [`${outcome.local ? "could not ask" : "no answer"}: ${outcome.reason}`] };
  }
  const shown: Shown = (value) => shorten(options.redact(JSON.stringify(value) ?? "nothing"));
  const reasons = [
    ...judgeRelease(outcome, options.expectedRelease),
    ...judgeStatus(check, outcome),
    ...judgeHeaders(check, outcome, shown),
    ...judgeText(check, outcome, shown),
    ...judgeJson(check, outcome, shown),
    ...judgeLatency(check, outcome),
  ];
  return { verdict: reasons.length === 0 ? "pass" : "fail", reasons };
}

/** The answer's JSON, or why it has none. */
export function jsonOf(response: HttpResponse): { ok: true; value: Json } | { ok: false; reason: string } {
  if (response.truncated) return { ok: false, reason: "the answer is too long to be read as JSON" };
  try {
    return { ok: true, value: JSON.parse(response.body) as Json };
  } catch {
    return { ok: false, reason: "the answer is not JSON" }; // the caller reports it as a failure of the check
  }
}

/** A green check that was answered by another release proves nothing about this one. */
function judgeRelease({ headers }: HttpResponse, expected: string | undefined): string[] {
  const served = headers["x-tminus-release"];
  if (expected === undefined || served === undefined || served === expected) return [];
  return [`answered by release ${served}, not ${expected}`];
}

function judgeStatus({ expect }: Check, { status }: HttpResponse): string[] {
  const wanted = typeof expect.status === "number" ? [expect.status] : expect.status;
  return wanted.includes(status) ? [] : [`answered ${status}, expected ${wanted.join(" or ")}`];
}

function judgeHeaders({ expect }: Check, { headers }: HttpResponse, shown: Shown): string[] {
  return Object.entries(expect.headers).flatMap(([name, pattern]) => {
    const value = headers[name.toLowerCase()];
    if (value === undefined) return [`has no header ${name}`];
    return matchesGlob(value, pattern)
      ? []
      : [`header ${name} is ${shown(value)}, expected ${shown(pattern)}`];
  });
}

function judgeText({ expect }: Check, { body }: HttpResponse, shown: Shown): string[] {
  const wanted = expect.text === undefined ? [] : [expect.text].flat();
  return wanted.filter((text) => !body.includes(text)).map((text) => `does not contain ${shown(text)}`);
}

function judgeJson({ expect }: Check, response: HttpResponse, shown: Shown): string[] {
  if (expect.json.length === 0) return [];
  const parsed = jsonOf(response);
  if (!parsed.ok) return [parsed.reason];
  return expect.json.flatMap((expectation) =>
    judgeValues(expectation, selectJson(parsed.value, expectation.path), shown),
  );
}

function judgeValues(
  { path, equals, matches, exists }: Check["expect"]["json"][number],
  found: Json[],
  shown: Shown,
): string[] {
  if (exists === false) return found.length === 0 ? [] : [`${path} is there: ${shown(found[0])}`];
  if (found.length === 0) return [`${path} is not there`];
  const reasons: string[] = [];
  const unequal = equals === undefined ? undefined : found.find((value) => !isDeepStrictEqual(value, equals));
  if (unequal !== undefined) reasons.push(`${path} is ${shown(unequal)}, expected ${shown(equals)}`);
  const fits = (value: Json): boolean =>
    matches === undefined || (typeof value === "string" && matchesGlob(value, matches));
  const unfit = found.find((value) => !fits(value));
  if (unfit !== undefined) reasons.push(`${path} is ${shown(unfit)}, which does not match ${shown(matches)}`);
  return reasons;
}

function judgeLatency({ expect }: Check, { durationMs }: HttpResponse): string[] {
  const maxMs = expect.maxLatency === undefined ? undefined : parseDuration(expect.maxLatency);
  if (maxMs === undefined || durationMs <= maxMs) return [];
  return [`took ${formatDuration(durationMs)}, allowed ${formatDuration(maxMs)}`];
}

function shorten(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
