import * as z from "zod";
import type { Clock } from "../../../lib/clock.ts";
import { ask, type SeriesError } from "../ask.ts";

/** What a Prometheus HTTP API answers, read. https://prometheus.io/docs/prometheus/latest/querying/api/ */
export interface Api {
  /** Samples of a selector as they were taken, in (fromMs, toMs]. */
  samples(selector: string, fromMs: number, toMs: number, signal: AbortSignal): Promise<Result<Series[]>>;
  /** An expression at one time: one sample a series. A scalar is a series without labels. */
  instant(query: string, atMs: number, signal: AbortSignal): Promise<Result<Series[]>>;
  /** An expression at startMs, startMs + stepMs … up to endMs. */
  range(
    query: string,
    span: { startMs: number; endMs: number; stepMs: number },
    signal: AbortSignal,
  ): Promise<Result<Series[]>>;
  /** Names of metrics; for hints. */
  names(signal: AbortSignal): Promise<Result<string[]>>;
}

export type Result<Value> = { ok: true; value: Value } | { ok: false; error: SeriesError };

export interface Series {
  labels: Readonly<Record<string, string>>;
  /** In order of time. */
  samples: Sample[];
}

export interface Sample {
  atMs: number;
  /** NaN and infinite as they come. */
  value: number;
}

export interface ApiOptions {
  /** Without /api/v1. */
  url: string;
  headers: Record<string, string>;
  timeoutMs: number;
  who: string;
  clock: Clock;
  redact: (text: string) => string;
  /** Of one answer; default 16 MiB. */
  maxBodyBytes?: number;
}

/** What Prometheus refuses to exceed in one range query. */
const MAX_POINTS = 11_000;
const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** Raw samples of so long are asked for at a time, of less when they are too many. */
const MAX_CHUNK_MS = 6 * 3_600_000;
const MIN_CHUNK_MS = 10_000;

const pairSchema = z.tuple([z.number(), z.string()]);
const seriesSchema = z.object({
  metric: z.record(z.string(), z.string()),
  value: pairSchema.optional(),
  values: z.array(pairSchema).optional(),
});
const dataSchema = z.union([
  z.object({ resultType: z.enum(["vector", "matrix"]), result: z.array(seriesSchema) }),
  z.object({ resultType: z.literal("scalar"), result: pairSchema }),
]);
const answerSchema = z.object({
  status: z.literal("success"),
  data: z.unknown(),
  warnings: z.array(z.string()).optional(),
});
const refusalSchema = z.object({ error: z.string() });

/** Opens no connection yet. No method throws but the signal's reason. */
export function openApi(options: ApiOptions): Api {
  const { who } = options;
  const get = async <Value>(
    path: string,
    parameters: Record<string, string>,
    schema: z.ZodType<Value>,
    signal: AbortSignal,
  ): Promise<Result<Value> & { isTooLarge?: boolean }> => {
    const asked = await ask({
      request: {
        url: `${options.url.replace(/\/+$/, "")}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`,
        headers: options.headers,
        timeoutMs: options.timeoutMs,
        maxBodyBytes: options.maxBodyBytes ?? MAX_BODY_BYTES,
        signal,
      },
      who,
      now: options.clock.now(),
      redact: options.redact,
      messageOf,
    });
    if (!asked.ok) return asked;
    return read(asked.response.body, schema, who, options.redact);
  };

  const ofSeries = async (
    path: string,
    parameters: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Result<Series[]> & { isTooLarge?: boolean }> => {
    const answer = await get(path, parameters, dataSchema, signal);
    return answer.ok ? { ok: true, value: seriesOf(answer.value) } : answer;
  };

  const samplesOf = async (
    selector: string,
    fromMs: number,
    toMs: number,
    signal: AbortSignal,
  ): Promise<Result<Series[]>> => {
    const lengthMs = toMs - fromMs;
    const inHalves = async (): Promise<Result<Series[]>> => {
      const middleMs = fromMs + Math.ceil(lengthMs / 2);
      const first = await samplesOf(selector, fromMs, middleMs, signal);
      if (!first.ok) return first;
      const second = await samplesOf(selector, middleMs, toMs, signal);
      return second.ok ? { ok: true, value: joined(first.value, second.value) } : second;
    };
    if (lengthMs > MAX_CHUNK_MS) return await inHalves();
    const query = `${selector}[${lengthMs}ms]`;
    const answer = await ofSeries("query", { query, time: seconds(toMs) }, signal);
    if (!answer.ok) return answer.isTooLarge === true && lengthMs > MIN_CHUNK_MS ? await inHalves() : answer;
    // Before Prometheus 3 the sample at fromMs is part of the answer.
    const value = answer.value.map(({ labels, samples }) => ({
      labels,
      samples: samples.filter(({ atMs }) => atMs > fromMs),
    }));
    return { ok: true, value: value.filter(({ samples }) => samples.length > 0) };
  };

  return {
    samples: samplesOf,
    instant: (query, atMs, signal) => ofSeries("query", { query, time: seconds(atMs) }, signal),
    async range(query, { startMs, endMs, stepMs }, signal) {
      let found: Series[] = [];
      for (let from = startMs; from <= endMs; from += MAX_POINTS * stepMs) {
        const to = Math.min(endMs, from + (MAX_POINTS - 1) * stepMs);
        const span = { start: seconds(from), end: seconds(to), step: seconds(stepMs) };
        const answer = await ofSeries("query_range", { query, ...span }, signal);
        if (!answer.ok) return answer;
        found = joined(found, answer.value);
      }
      return { ok: true, value: found };
    },
    names: (signal) => get("label/__name__/values", {}, z.array(z.string()), signal),
  };
}

/** The same for two series with the same labels, whatever their order. */
export function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function read<Value>(
  body: string,
  schema: z.ZodType<Value>,
  who: string,
  redact: (text: string) => string,
): Result<Value> {
  const unreadable = (reason: string): Result<Value> => ({
    ok: false,
    error: { state: "error", reason: `${who} ${reason}`, isLasting: false },
  });
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return unreadable("answered what is not JSON");
  }
  const answer = answerSchema.safeParse(document);
  const data = schema.safeParse(answer.data?.data);
  if (!answer.success || !data.success) return unreadable("answered JSON that is not Prometheus' own");
  // A part of the data may be missing. What "PromQL" warns of is the expression, and all data is there.
  const missing = answer.data.warnings?.find((warning) => !warning.startsWith("PromQL"));
  if (missing !== undefined) return unreadable(`warned: ${redact(missing)}`);
  return { ok: true, value: data.data };
}

function seriesOf(data: z.output<typeof dataSchema>): Series[] {
  if (data.resultType === "scalar") return [{ labels: {}, samples: [sampleOf(data.result)] }];
  return data.result.map(({ metric, value, values = value === undefined ? [] : [value] }) => ({
    labels: metric,
    samples: values.map(sampleOf),
  }));
}

function sampleOf([at, value]: [number, string]): Sample {
  return { atMs: Math.round(at * 1000), value: numberOf(value) };
}

/** Infinity as Go writes it. */
function numberOf(text: string): number {
  const infinite = /^([+-]?)Inf$/.exec(text);
  return infinite === null ? Number(text) : infinite[1] === "-" ? -Infinity : Infinity;
}

/** Later samples behind earlier ones. */
function joined(earlier: readonly Series[], later: readonly Series[]): Series[] {
  const byKey = new Map(earlier.map(({ labels, samples }) => [keyOf(labels), { labels, samples }]));
  for (const { labels, samples } of later) {
    const key = keyOf(labels);
    byKey.set(key, { labels, samples: [...(byKey.get(key)?.samples ?? []), ...samples] });
  }
  return [...byKey.values()];
}

function messageOf(body: string): string | undefined {
  try {
    return refusalSchema.safeParse(JSON.parse(body)).data?.error;
  } catch {
    return undefined; // a proxy's own page; its beginning is quoted instead
  }
}

/** A time or length as the API takes it. */
function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
