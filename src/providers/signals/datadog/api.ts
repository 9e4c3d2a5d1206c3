import * as z from "zod";
import type { Clock } from "../../../lib/clock.ts";
import { ask, type SeriesError } from "../ask.ts";

export type Result<Value> = { ok: true; value: Value } | { ok: false; error: SeriesError };

/** What is used of Datadog's API, read. https://docs.datadoghq.com/api/latest/metrics/ */
export interface Api {
  /**
   * Points of a query in [fromMs, toMs), by the beginning of their buckets of `bucketMs`, all three multiples of it.
   * null is what Datadog says where it has nothing; empty when it has no series at all.
   */
  points(text: string, range: Range, signal: AbortSignal): Promise<Result<Points>>;
  /** Whether the API key is one. */
  validate(signal: AbortSignal): Promise<Result<boolean>>;
  /** Whether Datadog has ever got a metric of that name. */
  knowsMetric(name: string, signal: AbortSignal): Promise<Result<boolean>>;
}

export type Points = ReadonlyMap<number, number | null>;

export interface Range {
  fromMs: number;
  toMs: number;
  bucketMs: number;
}

export interface ApiOptions {
  /** Without /api/v1. */
  url: string;
  apiKey: string;
  applicationKey: string;
  timeoutMs: number;
  who: string;
  clock: Clock;
  redact: (text: string) => string;
}

/** Datadog makes the buckets longer where there would be more than 1,500. */
const MAX_POINTS = 1_000;
const MAX_REQUESTS = 50;
const MAX_BODY_BYTES = 4 * 1024 * 1024;

const seriesSchema = z.object({
  pointlist: z.array(z.tuple([z.number(), z.union([z.number(), z.null()])])),
  /** Seconds. */
  interval: z.number(),
});
const querySchema = z.union([
  z.object({ status: z.literal("ok"), series: z.array(seriesSchema) }),
  z.object({ status: z.literal("error"), error: z.string() }),
]);
const validateSchema = z.object({ valid: z.boolean() });
const refusalSchema = z.union([
  z.object({ errors: z.array(z.string()).min(1) }).transform(({ errors }) => errors.join("; ")),
  z.object({ error: z.string() }).transform(({ error }) => error),
]);

/** Opens no connection yet. No method throws but the signal's reason. */
export function openApi(options: ApiOptions): Api {
  const { who } = options;
  const get = async (path: string, signal: AbortSignal): Promise<Answer> => {
    const asked = await ask({
      request: {
        url: `${options.url.replace(/\/+$/, "")}/api/v1/${path}`,
        headers: { "dd-api-key": options.apiKey, "dd-application-key": options.applicationKey },
        timeoutMs: options.timeoutMs,
        maxBodyBytes: MAX_BODY_BYTES,
        signal,
      },
      who,
      now: options.clock.now(),
      redact: options.redact,
      messageOf,
      waitOf,
    });
    if (!asked.ok) return asked;
    try {
      return { ok: true, value: JSON.parse(asked.response.body) as unknown };
    } catch {
      return unreadable("answered what is not JSON");
    }
  };
  const unreadable = (reason: string): { ok: false; error: SeriesError } => ({
    ok: false,
    error: { state: "error", reason: `${who} ${reason}`, isLasting: false },
  });
  const refused = (reason: string): { ok: false; error: SeriesError } => ({
    ok: false,
    error: { state: "error", reason: `${who} ${reason}`, isLasting: true },
  });

  const pointsOf = async (text: string, range: Range, signal: AbortSignal): Promise<Result<Points>> => {
    const { fromMs, toMs, bucketMs } = range;
    // Datadog keeps whole seconds, and takes both ends as part of the range.
    const parameters = { from: String(fromMs / 1000), to: String(toMs / 1000 - 1), query: text };
    const answer = await get(`query?${new URLSearchParams(parameters).toString()}`, signal);
    if (!answer.ok) return answer;
    const read = querySchema.safeParse(answer.value);
    if (!read.success) return unreadable("answered JSON that is not Datadog's own");
    if (read.data.status === "error") return refused(`refused ${text}: ${options.redact(read.data.error)}`);
    const [series, ...others] = read.data.series;
    if (others.length > 0) return refused(`has several series of ${text}`);
    if (series === undefined) return { ok: true, value: new Map() };
    const isOnGrid = series.pointlist.every(([at]) => at % bucketMs === 0);
    if (series.interval * 1000 > bucketMs || !isOnGrid)
      return refused(`has points of ${text} every ${series.interval} s, not every ${bucketMs / 1000} s`);
    return { ok: true, value: new Map(series.pointlist.filter(([at]) => at >= fromMs && at < toMs)) };
  };

  return {
    async points(text, { fromMs, toMs, bucketMs }, signal) {
      const pieceMs = MAX_POINTS * bucketMs;
      if (toMs - fromMs > MAX_REQUESTS * pieceMs)
        return refused(
          `would have to be asked more than ${MAX_REQUESTS} times for ${text}: ask for longer steps`,
        );
      let found: Points = new Map();
      for (let from = fromMs; from < toMs; from += pieceMs) {
        const range = { fromMs: from, toMs: Math.min(toMs, from + pieceMs), bucketMs };
        const answer = await pointsOf(text, range, signal);
        if (!answer.ok) return answer;
        found = new Map([...found, ...answer.value]);
      }
      return { ok: true, value: found };
    },
    async validate(signal) {
      const answer = await get("validate", signal);
      if (!answer.ok) return answer;
      const read = validateSchema.safeParse(answer.value);
      if (!read.success) return unreadable("answered JSON that is not Datadog's own");
      return { ok: true, value: read.data.valid };
    },
    async knowsMetric(name, signal) {
      const answer = await get(`metrics/${encodeURIComponent(name)}`, signal);
      if (answer.ok) return { ok: true, value: true };
      return answer.status === 404 ? { ok: true, value: false } : answer;
    },
  };
}

type Answer = { ok: true; value: unknown } | { ok: false; error: SeriesError; status?: number };

/** Seconds until the count begins anew. https://docs.datadoghq.com/api/latest/rate-limits/ */
function waitOf({ "x-ratelimit-reset": seconds }: Readonly<Record<string, string>>): number | undefined {
  return seconds !== undefined && /^\d+$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}

function messageOf(body: string): string | undefined {
  try {
    return refusalSchema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined; // a proxy's own page; its beginning is quoted instead
  }
}
