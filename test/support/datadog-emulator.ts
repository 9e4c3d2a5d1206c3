import type { IncomingMessage, ServerResponse } from "node:http";
import { openFaultServer, type FaultServer } from "./fault-server.ts";

/** What an agent sends: so many in the second `at`, with tags like "service:shop". */
export interface DatadogPoint {
  metric: string;
  tags: readonly string[];
  /** Seconds since 1970. */
  at: number;
  value: number;
}

export const API_KEY = "0123456789abcdef0123456789abcdef";
export const APPLICATION_KEY = "0123456789abcdef0123456789abcdef01234567";

export interface DatadogEmulator extends FaultServer {
  /** Every request that was answered: path with query, and headers. */
  readonly requests: { path: string; headers: IncomingMessage["headers"] }[];
  send(points: readonly DatadogPoint[]): void;
  /** The next request is refused with 429, and this as the time of the next period, in seconds. */
  throttle(resetSeconds: number): void;
  /** Keys that are not these are refused. */
  revoke(key: "api" | "application"): void;
}

/** Datadog keeps to it by making the buckets longer. */
const MAX_POINTS = 1500;
const QUERY =
  /^(\w+):([\w.]+)\{([^{}]*)\}(\.as_count\(\))?(?:\.fill\(null\))?(?:\.rollup\((?:(\w+), ?)?(\d+)\))?$/;

/**
 * Datadog's metrics API as its documentation and answers that people quote describe it: the time series query, the
 * check of keys and the metadata of a metric. Buckets are aligned to 1970, those without a point are null between
 * others, and an unknown metric has no series.
 */
export async function openDatadogEmulator(): Promise<DatadogEmulator> {
  const points: DatadogPoint[] = [];
  const requests: DatadogEmulator["requests"] = [];
  const revoked = new Set<string>();
  let reset: number | undefined;
  const serve =
    (change: (series: Series) => Series | undefined) =>
    (request: IncomingMessage, response: ServerResponse): void => {
      const url = new URL(request.url ?? "", "http://host");
      requests.push({ path: request.url ?? "", headers: request.headers });
      const answer = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
        response.writeHead(status, { "content-type": "application/json", ...headers });
        response.end(JSON.stringify(body));
      };
      if (reset !== undefined) {
        const headers = {
          "x-ratelimit-limit": "100",
          "x-ratelimit-period": "60",
          "x-ratelimit-remaining": "0",
          "x-ratelimit-reset": String(reset),
        };
        reset = undefined;
        return answer(429, { errors: ["Rate limit of 100 requests in 60 seconds reached"] }, headers);
      }
      const { "dd-api-key": api, "dd-application-key": application } = request.headers;
      if (api !== API_KEY || revoked.has("api")) return answer(403, { errors: ["Forbidden"] });
      if (url.pathname === "/api/v1/validate") return answer(200, { valid: true });
      if (application !== APPLICATION_KEY || revoked.has("application"))
        return answer(403, { errors: ["Forbidden"] });
      const [, name] = /^\/api\/v1\/metrics\/(.+)$/.exec(url.pathname) ?? [];
      if (name !== undefined)
        return points.some(({ metric }) => metric === decodeURIComponent(name))
          ? answer(200, { type: "count", description: null, unit: null })
          : answer(404, { errors: ["Metric not found"] });
      if (url.pathname !== "/api/v1/query") return answer(404, { errors: ["Not found"] });
      const [from, to] = [Number(url.searchParams.get("from")), Number(url.searchParams.get("to"))];
      const text = url.searchParams.get("query") ?? "";
      const parsed = QUERY.exec(text);
      if (parsed === null || !Number.isInteger(from) || !Number.isInteger(to) || from >= to)
        return answer(400, { status: "error", error: `Error parsing query: ${text}` });
      const made = seriesOf(points, parsed, from, to);
      const series = made === undefined ? undefined : change(made);
      answer(200, {
        status: "ok",
        resp_version: 1,
        res_type: "time_series",
        query: text,
        from_date: from * 1000,
        to_date: to * 1000,
        message: "",
        group_by: [],
        series: series === undefined ? [] : [series],
      });
    };
  const server = await openFaultServer({
    serve: serve((series) => series),
    faults: {
      empty: serve(() => undefined),
      "not-a-number": serve((series) => ({
        ...series,
        pointlist: series.pointlist.map(([at]) => [at, null]),
      })),
      stale: serve((series) => {
        const { pointlist } = series;
        return { ...series, pointlist: pointlist.slice(0, Math.floor(pointlist.length / 2)) };
      }),
    },
  });
  return {
    ...server,
    requests,
    send: (more) => void points.push(...more),
    throttle: (seconds) => void (reset = seconds),
    revoke: (key) => void revoked.add(key),
  };
}

interface Series {
  metric: string;
  display_name: string;
  expression: string;
  scope: string;
  tag_set: string[];
  unit: null;
  aggr: string;
  start: number;
  end: number;
  interval: number;
  length: number;
  query_index: number;
  attributes: object;
  pointlist: [number, number | null][];
}

function seriesOf(
  points: readonly DatadogPoint[],
  [text, aggr = "", metric = "", scope = "", asCount, over = "avg", interval = "20"]: RegExpExecArray,
  from: number,
  to: number,
): Series | undefined {
  const tags = scope.split(",").filter((tag) => tag !== "*");
  const matching = points.filter(
    (point) => point.metric === metric && tags.every((tag) => point.tags.includes(tag)),
  );
  if (!matching.some(({ at }) => at >= from && at <= to)) return undefined;
  const least = Math.ceil((to - from) / MAX_POINTS / 10) * 10;
  const seconds = Math.max(Number(interval), least);
  const pointlist: [number, number | null][] = [];
  for (let start = Math.floor(from / seconds) * seconds; start <= to; start += seconds) {
    const inside = matching.filter(
      ({ at }) => at >= Math.max(start, from) && at <= Math.min(start + seconds - 1, to),
    );
    pointlist.push([
      start * 1000,
      inside.length === 0 ? null : valueOf(inside, asCount === undefined ? over : "sum"),
    ]);
  }
  return {
    metric,
    display_name: metric,
    expression: text,
    scope: scope === "" ? "*" : scope,
    tag_set: [],
    unit: null,
    aggr,
    start: pointlist[0]![0],
    end: pointlist.at(-1)![0] + seconds * 1000 - 1000,
    interval: seconds,
    length: pointlist.length,
    query_index: 0,
    attributes: {},
    pointlist,
  };
}

/** Over time; of one host, so that there is nothing to add up over space. */
function valueOf(points: readonly DatadogPoint[], over: string): number {
  const values = points.map(({ value }) => value);
  const sum = values.reduce((all, value) => all + value, 0);
  if (over === "sum") return sum;
  if (over === "max") return Math.max(...values);
  if (over === "min") return Math.min(...values);
  return sum / values.length;
}
