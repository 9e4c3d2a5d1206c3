import { deadline } from "../lib/clock.ts";
import { formatDuration } from "../lib/duration.ts";
import type { Plan } from "../model/plan.ts";
import type { SeriesAnswer, SeriesQuestion, SignalSource } from "../model/signal-source.ts";
import type { Verdict } from "../model/verdict.ts";
import { backToNormal } from "../steps/watch/back-to-normal.ts";
import type { RunExecution } from "./execution.ts";

/** After a rollback the share of failed requests must not be above this to count as back to normal, unless the runbook says. */
const MAX_ERROR_PERCENT = 1;
const METRIC = { kind: "error_rate" } as const;
const ASK_TIMEOUT_MS = 10_000;
/** A source that does not answer just then is asked this often in all, with a pause in between. */
const TRIES = 3;
const RETRY_MS = 1_000;
/** A rollback is not kept open for longer than this beyond its window because a source is slow to know. */
const MAX_EXTRA_MS = 5 * 60_000;

/**
 * The share of failed requests since now, by every source that counts requests and can tell soon enough. One
 * verdict for each: sources measure the same requests, so their counts are never added up. No data is not known, and
 * neither is what too few requests say.
 */
export async function measureErrors(execution: RunExecution, serving: readonly string[]): Promise<Verdict[]> {
  const { environment, run } = execution;
  const { cureMs } = run.plan.rollback;
  const able = Object.values(environment.sources).filter(
    (source) =>
      source.gives(METRIC)?.form === "counts" &&
      spanOf(source, cureMs) + source.traits.lagMs <= cureMs + MAX_EXTRA_MS,
  );
  if (serving.length === 0) return [];
  return Promise.all(able.map((source) => measureSource(execution, source, serving)));
}

function spanOf({ traits }: SignalSource, cureMs: number): number {
  return Math.max(cureMs, traits.floorMs, 1);
}

async function measureSource(
  execution: RunExecution,
  source: SignalSource,
  serving: readonly string[],
): Promise<Verdict> {
  const releases = source.gives(METRIC)?.perRelease === true ? serving : serving.slice(0, 1);
  const grown = await Promise.all(releases.map((release) => measureRelease(execution, source, release)));
  const unknown = grown.find((one) => "unknown" in one);
  if (unknown !== undefined && "unknown" in unknown) {
    const reason = `${source.name} could not measure it: ${unknown.unknown}`;
    return { verdict: "unknown", reason, evidence: { source: source.name, unknown: unknown.unknown } };
  }
  const sums = grown.flatMap((one) => ("unknown" in one ? [] : [one]));
  const bad = sums.reduce((sum, one) => sum + one.bad, 0);
  const total = sums.reduce((sum, one) => sum + one.total, 0);
  const evidence = { source: source.name, requests: total, errors: bad };
  const { verdict, words } = judgeErrors(execution.run.plan, { bad, total });
  return { verdict, reason: `${source.name}: ${words}`, evidence };
}

/** Whether so many failed requests of so many are normal, by what the plan says is. */
export function judgeErrors(
  { rollback }: Plan,
  requests: { bad: number; total: number },
): ReturnType<typeof backToNormal> {
  const { cureMaxErrorPercent = MAX_ERROR_PERCENT, cureMinRequests } = rollback;
  const isEnough = cureMinRequests !== undefined;
  return backToNormal(
    requests,
    { allowed: cureMaxErrorPercent / 100, least: cureMinRequests ?? 0, isEnough },
    "failed",
  );
}

type Growth = { bad: number; total: number } | { unknown: string };

/** What was added in the span that begins now. */
async function measureRelease(
  execution: RunExecution,
  source: SignalSource,
  release: string,
): Promise<Growth> {
  const { ports, run, lost } = execution;
  const spanMs = spanOf(source, run.plan.rollback.cureMs);
  const fromMs = ports.clock.now().getTime();
  const question = (toMs: number): SeriesQuestion => ({
    metric: METRIC,
    release,
    fromMs: toMs - spanMs,
    toMs,
    stepMs: spanMs,
  });
  // Counters say only what they are now; of anything else this first answer is not needed.
  const before = await ask(execution, source, question(fromMs));
  const readyMs = fromMs + spanMs + source.traits.lagMs;
  await ports.clock.sleep(Math.max(0, readyMs - ports.clock.now().getTime()), lost);
  return growth(before, await ask(execution, source, question(fromMs + spanMs)));
}

function growth(before: SeriesAnswer, after: SeriesAnswer): Growth {
  switch (after.state) {
    case "counts":
      return {
        bad: after.points.reduce((sum, { bad }) => sum + bad, 0),
        total: after.points.reduce((sum, { total }) => sum + total, 0),
      };
    case "counter":
      if (before.state === "counter") return increase(before, after);
      return { unknown: "reason" in before ? before.reason : "it has counted in two ways" };
    case "values":
      return { unknown: "it gave values and no counts" };
    case "no-data":
    case "error":
      return { unknown: after.reason };
  }
}

/** A counter that is smaller than before began anew, and counts from 0. */
function increase(before: { bad: number; total: number }, after: { bad: number; total: number }): Growth {
  const beganAnew = after.total < before.total || after.bad < before.bad;
  return beganAnew
    ? { bad: after.bad, total: after.total }
    : { bad: after.bad - before.bad, total: after.total - before.total };
}

async function ask(
  { ports, environment, lost }: RunExecution,
  source: SignalSource,
  question: SeriesQuestion,
): Promise<SeriesAnswer> {
  for (let tries = 1; ; tries++) {
    const answer = await askOnce(source, question, lost);
    const isOver = answer.state !== "error" || answer.isLasting || tries >= TRIES;
    if (isOver)
      return "reason" in answer ? { ...answer, reason: environment.redactor.redact(answer.reason) } : answer;
    await ports.clock.sleep(RETRY_MS, lost);
  }
}

/** Silence for too long is an answer too: it could not be asked. */
async function askOnce(
  source: SignalSource,
  question: SeriesQuestion,
  lost: AbortSignal,
): Promise<SeriesAnswer> {
  const signal = deadline(ASK_TIMEOUT_MS, lost);
  try {
    return await source.query(question, signal);
  } catch (error) {
    lost.throwIfAborted();
    if (!signal.aborted) throw error;
    const reason = `no answer within ${formatDuration(ASK_TIMEOUT_MS)}`;
    return { state: "error", reason, isLasting: false };
  }
}
