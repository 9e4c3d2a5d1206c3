import { deadline } from "../../lib/clock.ts";
import type { Metric } from "../../model/metric.ts";
import { isOtherStart } from "../../model/process-start.ts";
import type { CountPoint, SeriesAnswer, SignalSource, ValuePoint } from "../../model/signal-source.ts";
import type { Given } from "../../model/signal-source.ts";
import type { WatchStage } from "../../watch/fold/definition.ts";
import type { Seen } from "../../watch/fold/look.ts";
import { spansBetween } from "./spans.ts";

/** What is asked of a source at one look. */
export interface SourceQuestion {
  source: SignalSource;
  metric: Metric;
  form: Given["form"];
  release: string;
  /** Everything up to here is known. */
  cursorMs: number;
  stages: readonly WatchStage[];
  nowMs: number;
  /** What a source of cumulative counters said last. */
  counter: CounterReading | undefined;
}

export interface CounterReading {
  atMs: number;
  bad: number;
  total: number;
  visitors?: number;
  /** When the process began that counts, where it says so. */
  processStartSeconds?: number;
  /** Between which sizes it fell last; see isBack. */
  fell?: { from: number; to: number };
}

/** What was seen in (fromMs, toMs]. */
export interface SeenSpan {
  fromMs: number;
  toMs: number;
  seen: Seen;
}

export interface SourceFinding {
  /** In order of time; only times about which something is known. */
  spans: SeenSpan[];
  /** Why nothing is known up to now, when that is so. */
  unanswered?: SeenSpan;
  /** Keep it for the next look. */
  counter?: CounterReading;
  /** Ask again no sooner. */
  notBeforeMs?: number;
}

const ASK_LIMIT_MS = 10_000;
/** A value is about the time since the look before, if that is not longer ago than this many pauses. */
const MAX_PAUSES = 2;
const ALLOWANCE_MS = 3_000;
/** Data is stale when the newest is older than this many times the source's lag, or than so many steps. */
const STALE_LAGS = 2;
const STALE_STEPS = 3;

/** A source that was away has nothing of that time; at one look so many parts of it are passed over. */
const MAX_EMPTY_PARTS = 20;

/**
 * Asks a source about the time since what is known, as far as its data can be relied on. Where it has nothing of a part
 * of that time, the next part is asked for: what the source will never know must not hide what came after it. Throws
 * only the signal's reason. Nothing is due: no span and no reason.
 */
export async function askSource(question: SourceQuestion, signal: AbortSignal): Promise<SourceFinding> {
  const { source, stages, nowMs, counter, cursorMs } = question;
  const { lagMs, floorMs, history } = source.traits;
  const first = await askPart(question, signal);
  if (history !== "range" || counter !== undefined) return first;
  let finding = first;
  let fromMs = cursorMs;
  for (let part = 0; part < MAX_EMPTY_PARTS && isEmpty(finding); part++) {
    const asked = spansBetween(stages, floorMs, fromMs, nowMs - lagMs);
    if (asked === undefined) return first;
    fromMs = asked.toMs;
    if (spansBetween(stages, floorMs, fromMs, nowMs - lagMs) === undefined) return first;
    finding = await askPart({ ...question, cursorMs: fromMs }, signal);
  }
  return finding.spans.length > 0 ? finding : first;
}

function isEmpty({ spans, unanswered }: SourceFinding): boolean {
  return spans.length === 0 && unanswered?.seen.state === "no-data";
}

async function askPart(question: SourceQuestion, signal: AbortSignal): Promise<SourceFinding> {
  const { source, metric, release, cursorMs, stages, nowMs, counter } = question;
  const { lagMs, floorMs, history } = source.traits;
  const relyMs = nowMs - lagMs;
  const everyMs = stageAt(stages, nowMs).everyMs;
  // A source that counts is asked from the very beginning, because only differences say anything.
  const now = { fromMs: relyMs - everyMs, toMs: relyMs, stepMs: everyMs };
  const isOnGrid = history === "range" && counter === undefined;
  const asked = isOnGrid
    ? (spansBetween(stages, floorMs, cursorMs, relyMs) ?? (lagMs === 0 ? now : undefined))
    : now;
  if (asked === undefined) return { spans: [] };
  const answer = await source
    .query({ metric, release, ...asked }, deadline(ASK_LIMIT_MS, signal))
    .catch((error: unknown): SeriesAnswer => {
      signal.throwIfAborted();
      const late = `${source.name} did not answer within ${ASK_LIMIT_MS / 1000} s`;
      const reason = error instanceof Error && error.name !== "TimeoutError" ? error.message : late;
      return { state: "error", reason, isLasting: false };
    });
  signal.throwIfAborted();
  const open = { fromMs: cursorMs, toMs: Math.max(cursorMs, relyMs) };
  switch (answer.state) {
    case "error": {
      const { reason, isLasting, retryAfterMs } = answer;
      const wait = retryAfterMs === undefined ? {} : { notBeforeMs: nowMs + retryAfterMs };
      return { spans: [], unanswered: { ...open, seen: { state: "error", reason, isLasting } }, ...wait };
    }
    case "no-data":
      return {
        spans: [],
        unanswered: { ...open, seen: { state: "no-data", reason: answer.reason, isAlive: false } },
      };
    case "counter":
      return fromCounter(question, answer);
    case "counts":
      return withStaleness(
        question,
        asked.toMs,
        asked.stepMs,
        answer.points.filter(({ fromMs }) => fromMs >= cursorMs).map((point) => countSpan(question, point)),
      );
    case "values":
      return history === "range"
        ? withStaleness(
            question,
            asked.toMs,
            asked.stepMs,
            valueSpans({ ...asked, fromMs: Math.max(cursorMs, asked.fromMs) }, answer.points),
          )
        : fromValue(question, everyMs, answer.points.at(-1));
  }
}

/** The stage in which a look falls; the last one after the end. */
export function stageAt(stages: readonly WatchStage[], atMs: number): WatchStage {
  return stages.find(({ untilMs }) => atMs < untilMs) ?? stages.at(-1)!;
}

function countSpan({ form }: SourceQuestion, { fromMs, toMs, ...counted }: CountPoint): SeenSpan {
  return { fromMs, toMs, seen: countSeen(form, counted) };
}

function countSeen(
  form: Given["form"],
  { bad, total, visitors }: Pick<CountPoint, "bad" | "total" | "visitors">,
): Seen {
  if (form === "events") return { state: "events", count: bad };
  return { state: "counts", bad, total, ...(visitors === undefined ? {} : { visitors }) };
}

/** The newest value in each span. */
function valueSpans(
  { fromMs, toMs, stepMs }: { fromMs: number; toMs: number; stepMs: number },
  points: readonly ValuePoint[],
): SeenSpan[] {
  const spans: SeenSpan[] = [];
  for (let startMs = fromMs; startMs < toMs; startMs += stepMs) {
    const endMs = startMs + stepMs;
    const point = points.findLast(({ atMs }) => atMs > startMs && atMs <= endMs);
    if (point !== undefined) spans.push({ fromMs: startMs, toMs: endMs, seen: valueSeen(point) });
  }
  return spans;
}

function valueSeen({ value, max }: ValuePoint): Seen {
  return { state: "value", value, ...(max === undefined ? {} : { max }) };
}

/** What was not asked for is lost: a value is about the pause before it, not about a time in which nobody looked. */
function fromValue(
  { source, cursorMs, nowMs }: SourceQuestion,
  everyMs: number,
  point: ValuePoint | undefined,
): SourceFinding {
  const open = { fromMs: cursorMs, toMs: Math.max(cursorMs, nowMs) };
  if (point === undefined)
    return {
      spans: [],
      unanswered: { ...open, seen: { state: "no-data", reason: "it gave no value", isAlive: false } },
    };
  const oldMs = nowMs - point.atMs;
  if (oldMs > STALE_LAGS * source.traits.lagMs + MAX_PAUSES * everyMs + ALLOWANCE_MS)
    return { spans: [], unanswered: { ...open, seen: staleBy(oldMs) } };
  if (nowMs <= cursorMs) return { spans: [] };
  const isContinuous = nowMs - cursorMs <= MAX_PAUSES * everyMs + ALLOWANCE_MS;
  return {
    spans: [{ fromMs: isContinuous ? cursorMs : nowMs - everyMs, toMs: nowMs, seen: valueSeen(point) }],
  };
}

/** What came since the reading before. Counters that began anew say nothing of that time: it was not seen. */
function fromCounter(
  { form, counter, cursorMs, nowMs }: SourceQuestion,
  { atMs, bad, total, visitors, processStartSeconds }: Extract<SeriesAnswer, { state: "counter" }>,
): SourceFinding {
  const fell = counter?.fell === undefined ? {} : { fell: counter.fell };
  const now: CounterReading = {
    atMs,
    bad,
    total,
    ...(visitors === undefined ? {} : { visitors }),
    ...(processStartSeconds === undefined ? {} : { processStartSeconds }),
    ...fell,
  };
  const open = { fromMs: cursorMs, toMs: Math.max(cursorMs, nowMs) };
  if (counter === undefined) return { spans: [], counter: now };
  const cameMore =
    visitors === undefined || counter.visitors === undefined ? undefined : visitors - counter.visitors;
  const isGoodLess = form === "counts" && total - bad < counter.total - counter.bad;
  if (bad < counter.bad || total < counter.total || isGoodLess || (cameMore ?? 0) < 0) {
    const fallen = { ...now, fell: { from: sizeOf(counter), to: sizeOf(now) } };
    return {
      spans: [],
      unanswered: { ...open, seen: { state: "stale", reason: BEGAN_ANEW } },
      counter: fallen,
    };
  }
  if (isBack(counter, now))
    return { spans: [], unanswered: { ...open, seen: { state: "stale", reason: BACK } }, counter: now };
  if (isOtherStart(counter.processStartSeconds, processStartSeconds))
    return {
      spans: [],
      unanswered: { ...open, seen: { state: "stale", reason: OTHER_PROCESS } },
      counter: now,
    };
  if (atMs <= counter.atMs) {
    return nowMs - counter.atMs > ALLOWANCE_MS
      ? { spans: [], unanswered: { ...open, seen: staleBy(nowMs - atMs) } }
      : { spans: [] };
  }
  const gained = {
    bad: bad - counter.bad,
    total: total - counter.total,
    ...(cameMore === undefined ? {} : { visitors: cameMore }),
  };
  return { spans: [{ fromMs: counter.atMs, toMs: atMs, seen: countSeen(form, gained) }], counter: now };
}

const BEGAN_ANEW = "its counters fell: they began anew since the last look";
const OTHER_PROCESS = "its process is another one than at the last look: its counters began anew";
const BACK =
  "its counters fell and are back at once where they were, as where two instances answer in turns at one address";

/** Whether most of what counters fell by came back at one look: then another instance answers, and it counted nothing. */
function isBack(before: CounterReading, now: CounterReading): boolean {
  const { fell } = before;
  if (fell === undefined || fell.from <= fell.to || sizeOf(now) < fell.from) return false;
  return 2 * (sizeOf(now) - sizeOf(before)) >= fell.from - fell.to;
}

/** Of events only they are counted. */
function sizeOf({ bad, total }: CounterReading): number {
  return Math.max(bad, total);
}

/** Points that end long before what was asked for: the rest may still come, and until then it is not seen. */
function withStaleness(
  { source, cursorMs }: SourceQuestion,
  askedToMs: number,
  stepMs: number,
  spans: SeenSpan[],
): SourceFinding {
  if (askedToMs <= cursorMs) return { spans: [] };
  const newestMs = spans.at(-1)?.toMs ?? cursorMs;
  const allowedMs = Math.max(STALE_LAGS * source.traits.lagMs, STALE_STEPS * stepMs);
  if (askedToMs - newestMs <= allowedMs && spans.length > 0) return { spans };
  const seen: Seen =
    spans.length === 0
      ? { state: "no-data", reason: "it gave no point", isAlive: false }
      : staleBy(askedToMs - newestMs);
  return { spans, unanswered: { fromMs: newestMs, toMs: askedToMs, seen } };
}

function staleBy(ms: number): Seen {
  return { state: "stale", reason: `its newest data is ${Math.round(ms / 1000)} s old` };
}
