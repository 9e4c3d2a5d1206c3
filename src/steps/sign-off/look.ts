import { request } from "../../lib/http.ts";
import type { EarlierStep, StepContext } from "../../model/step-kind.ts";
import { messageOf } from "../migrate/place.ts";
import { reportsOf } from "../smoke/ask-checks.ts";
import { smokeSchema, type Check } from "../smoke/schema.ts";
import { needsOf, READING_METHODS, selectChecks } from "../smoke/select.ts";
import { sayRoutes } from "../traffic.ts";
import { dbVerify } from "../db-verify.ts";
import type { SignOffSettings } from "./schema.ts";

type Ctx = StepContext<SignOffSettings, null>;

/** Whether the end state is still what the run left: what differs, or what could not be asked, is in `text`. */
export type Look = { answer: "same" | "differs" | "unknown"; text: string };

const PROBE_TIMEOUT_MS = 5_000;

/**
 * Looks at everything once, read-only: who has the traffic, the public address, and what the smoke and db.verify steps
 * among `steps` saw. Throws only the reason of the step's signal.
 */
export async function lookAgain(ctx: Ctx, steps: readonly EarlierStep[]): Promise<Look> {
  const looks = [await lookAtTraffic(ctx), await lookAtAddress(ctx)];
  for (const step of steps) {
    if (step.state !== "done") continue;
    if (step.kind === "smoke") looks.push(await lookAtChecks(ctx, step));
    if (step.kind === dbVerify.kind) looks.push(await lookAtSchema(ctx, step));
  }
  const answer = (["differs", "unknown"] as const).find((one) => looks.some((look) => look.answer === one));
  const said = looks.filter((look) => look.answer !== "same").map(({ text }) => text);
  return answer === undefined ? SAME : { answer, text: ctx.redact(said.join("; ")) };
}

const SAME: Look = { answer: "same", text: "" };

/** Of a run that moves no traffic, only whether the target answers. */
async function lookAtTraffic({ target, release, trafficPercent, signal }: Ctx): Promise<Look> {
  try {
    const now = await target.traffic();
    if (now.state === "unknown") return { answer: "unknown", text: `what is live: ${now.reason}` };
    const routes = now.state === "absent" ? [] : now.value.routes;
    const share = routes.find((route) => route.release === release)?.percent ?? 0;
    if (trafficPercent === undefined || share === trafficPercent) return SAME;
    const text = `traffic is ${sayRoutes(routes)}, and was ${release} ${trafficPercent} %`;
    return { answer: "differs", text };
  } catch (error) {
    signal.throwIfAborted();
    return { answer: "unknown", text: `what is live: ${messageOf(error)}` }; // no answer about the traffic
  }
}

async function lookAtAddress({ environment, release, trafficPercent, signal }: Ctx): Promise<Look> {
  const { url } = environment;
  const headers = { "user-agent": "tminus-sign-off" };
  const outcome = await request({ url, timeoutMs: PROBE_TIMEOUT_MS, fresh: true, headers, signal });
  signal.throwIfAborted();
  if (outcome.kind !== "response") return { answer: "unknown", text: `${url}: ${outcome.reason}` };
  if (outcome.status >= 500) return { answer: "differs", text: `${url} answered ${outcome.status}` };
  const served = outcome.headers["x-tminus-release"];
  if (trafficPercent !== 100 || served === undefined || served === release) return SAME;
  return { answer: "differs", text: `${url} answered with ${served}, not ${release}` };
}

/** Asks those of the step's checks again that only read: the others would write every few minutes. */
async function lookAtChecks(ctx: Ctx, step: EarlierStep): Promise<Look> {
  const settings = smokeSchema.parse(step.with);
  const checks = readingChecks(selectChecks(settings));
  if (settings.through !== "public" || checks.length === 0) return SAME;
  const asked = { ...ctx, with: { checks, tags: [], deadline: settings.deadline } };
  const place = {
    baseUrl: settings.baseUrl ?? ctx.environment.url,
    headers: {},
    expectedRelease: undefined,
  };
  const reports = await reportsOf(asked, place, () => undefined);
  const bad = reports.filter(({ verdict }) => verdict !== "pass");
  if (bad.length === 0) return SAME;
  const text = bad.map(({ id, reasons }) => `${step.stepId}: ${id} ${reasons.join(", ")}`).join("; ");
  return { answer: bad.some(({ verdict }) => verdict === "fail") ? "differs" : "unknown", text };
}

function readingChecks(checks: readonly Check[]): Check[] {
  const reading: Check[] = [];
  for (const check of checks) {
    const isFree = needsOf(check, checks).every((id) => reading.some((other) => other.id === id));
    if (READING_METHODS.has(check.method) && isFree) reading.push(check);
  }
  return reading;
}

async function lookAtSchema(ctx: Ctx, step: EarlierStep): Promise<Look> {
  try {
    const seen = await dbVerify.observe({ ...ctx, with: step.with, key: step.key, facts: null });
    if (seen.state === "done") return SAME;
    const text = `${step.stepId}: ${seen.state === "absent" ? "the schema is no longer as it was verified" : seen.reason}`;
    return { answer: seen.state === "absent" ? "differs" : "unknown", text };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { answer: "unknown", text: `${step.stepId}: ${messageOf(error)}` }; // no answer about the schema
  }
}
