import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Metric } from "../../../../src/model/metric.ts";
import type { CountPoint, SeriesAnswer, SignalSource } from "../../../../src/model/signal-source.ts";
import { openApi } from "../../../../src/providers/signals/prometheus/api.ts";
import { prometheusSignals } from "../../../../src/providers/signals/prometheus/index.ts";
import { hasPrometheus } from "../../../support/prometheus.ts";
import { signalPorts } from "../../../support/signal-ports.ts";
import { openPrometheusWorld, QUERIES, REQUESTS, SECOND, type PrometheusWorld } from "./world.ts";

const signal = new AbortController().signal;

const isThere = await hasPrometheus();

describe.skipIf(!isThere)("a real Prometheus", () => {
  let world: PrometheusWorld;
  let source: SignalSource;
  const openSource = (name: string, queries: object, interval = "1s"): SignalSource =>
    prometheusSignals.open(name, { url: world.server.url, interval, lag: "2s", queries }, signalPorts());
  const ask = (metric: Metric, release = "v2", range = world.range): Promise<SeriesAnswer> =>
    source.query({ metric, release, ...range, stepMs: SECOND }, signal);

  beforeAll(async () => {
    world = await openPrometheusWorld();
    source = openSource("metrics", QUERIES);
  }, 120_000);
  afterAll(() => world?.close());

  it("counts every request once, of a new release, across failed scrapes and a restart", async () => {
    const answer = await ask({ kind: "error_rate" });
    expect(sum(answer)).toEqual(world.counted.v2);
    expect(sum(await ask({ kind: "error_rate" }, "v1"))).toEqual(world.counted.v1);
  });

  it("knows nothing of the time in which scrapes failed, and zero of the time before the release", async () => {
    const answer = await ask({ kind: "error_rate" });
    const points = answer.state === "counts" ? answer.points : [];
    const [first] = points;
    expect(first).toMatchObject({ fromMs: world.range.fromMs, total: 0 });
    const widest = Math.max(...points.slice(1).map((point, index) => point.fromMs - points[index]!.toMs));
    expect(widest).toBeGreaterThanOrEqual(SECOND);
    // What was counted meanwhile comes with the first scrape after.
    const afterGap = points.find(
      (point, index) => index > 0 && point.fromMs - points[index - 1]!.toMs === widest,
    );
    expect(afterGap).toMatchObject({ bad: 1, total: 17 });
  });

  it("does not take what was counted before Prometheus itself began for requests of that moment", async () => {
    const lengthMs = Math.floor((world.range.toMs - world.startedMs) / SECOND) * SECOND;
    const whole = { fromMs: world.range.toMs - lengthMs, toMs: world.range.toMs };
    expect(whole.fromMs).toBeLessThan(world.range.fromMs);
    expect(sum(await ask({ kind: "error_rate" }, "v1", whole))).toEqual(world.counted.v1);
    expect(sum(await ask({ kind: "error_rate" }, "v2", whole))).toEqual(world.counted.v2);
  });

  it("gives zero requests of a release that is not there yet, and nothing of a metric that is not there", async () => {
    expect(sum(await ask({ kind: "error_rate" }, "v3"))).toEqual({ bad: 0, total: 0 });
    expect((await ask({ kind: "error_rate" }, "v3")).state).toBe("counts");
    const other = prometheusSignals.open(
      "other",
      {
        url: world.server.url,
        interval: "1s",
        queries: { error_rate: { bad: "none_total", total: "none_total" } },
      },
      signalPorts(),
    );
    const question = {
      metric: { kind: "error_rate" },
      release: "v2",
      ...world.range,
      stepMs: SECOND,
    } as const;
    expect(await other.query(question, signal)).toEqual({
      state: "no-data",
      reason: "there are no series of none_total",
    });
  });

  it("counts events from their first one, and none where there were none", async () => {
    expect(sum(await ask({ kind: "count", name: "failed_payments" }))).toEqual({ bad: 4, total: 0 });
    const refunds = await ask({ kind: "query", name: "refunds" });
    expect(refunds.state).toBe("counts");
    expect(sum(refunds)).toEqual({ bad: 0, total: 0 });
  });

  it("gives the share that took longer than a bound, exactly, and of no other time", async () => {
    expect(sum(await ask({ kind: "share", slowerThanMs: 500 }))).toEqual({ bad: 3, total: 7 });
    expect(sum(await ask({ kind: "share", slowerThanMs: 1000 }))).toEqual({ bad: 1, total: 7 });
    const reason =
      "the histogram has no bucket bound at 0.25 s, so that this share is not known; it has 0.1, 0.5, 1";
    expect(await ask({ kind: "share", slowerThanMs: 250 })).toEqual({
      state: "error",
      reason,
      isLasting: true,
    });
    expect(await source.check([{ kind: "share", slowerThanMs: 250 }], "v2", signal)).toEqual({
      verdict: "fail",
      reason: `share(latency > 250ms): ${reason}`,
    });
  });

  it("gives the quantile that Prometheus itself comes to", async () => {
    const lengthMs = world.range.toMs - world.range.fromMs;
    const question = { metric: { kind: "quantile", percent: 50 }, release: "v2", ...world.range } as const;
    const answer = await source.query({ ...question, stepMs: lengthMs }, signal);
    const expression = `histogram_quantile(0.5, sum by (le) (increase(http_request_duration_seconds_bucket[${lengthMs}ms])))`;
    const own = await world.api.instant(expression, world.range.toMs, signal);
    const expected = own.ok ? own.value[0]!.samples[0]!.value * 1000 : NaN;
    expect(answer).toEqual({
      state: "values",
      points: [{ atMs: world.range.toMs, value: expect.closeTo(expected, 6) as number }],
    });
  });

  it("gives values as of when they were sampled, with their greatest", async () => {
    const answer = await ask({ kind: "gauge", name: "pg_conn" });
    const points = answer.state === "values" ? answer.points : [];
    expect(new Set(points.map(({ value }) => value))).toEqual(new Set([12, 30]));
    expect(new Set(points.map(({ max }) => max))).toEqual(new Set([50]));
    // At what the scrapes were timed, not at the end of the steps.
    expect(points.some(({ atMs }) => (atMs - world.range.fromMs) % SECOND !== 0)).toBe(true);
    const load = await ask({ kind: "query", name: "load" });
    expect(load.state === "values" ? load.points.at(-1) : load).toEqual({
      atMs: world.range.toMs,
      value: 60,
      max: 100,
    });
  });

  it("refuses an expression that gives several numbers", async () => {
    const several = prometheusSignals.open(
      "several",
      { url: world.server.url, interval: "1s", queries: { all: { value: `rate(${REQUESTS}[10s])` } } },
      signalPorts(),
    );
    const metric: Metric = { kind: "gauge", name: "all" };
    const reason = `rate(${REQUESTS}[10s]) gives 4 series instead of one: put sum(…), max(…) or min(…) around it`;
    expect(await several.query({ metric, release: "v2", ...world.range, stepMs: SECOND }, signal)).toEqual({
      state: "error",
      reason,
      isLasting: true,
    });
    expect(await several.check([metric], "v2", signal)).toEqual({
      verdict: "fail",
      reason: `gauge(all): ${reason}`,
    });
  });

  it("splits what is too much for one question", async () => {
    const answer = await world.api.range(
      "vector(1)",
      { startMs: 0, endMs: 30_000 * SECOND, stepMs: SECOND },
      signal,
    );
    expect(answer.ok ? answer.value.map(({ samples }) => samples.length) : answer).toEqual([30_001]);
    const selector = `${REQUESTS}{release="v1"}`;
    const once = await world.api.samples(selector, world.startedMs - SECOND, world.range.toMs, signal);
    expect(
      await world.api.samples(selector, world.range.toMs - 24 * 3600 * SECOND, world.range.toMs, signal),
    ).toEqual(once);
    const narrow = openApi({ ...world.apiOptions, maxBodyBytes: 1200 });
    expect(await narrow.samples(selector, world.startedMs - SECOND, world.range.toMs, signal)).toEqual(once);
  });

  const checks: [what: string, queries: object, release: string, verdict: string, reason: RegExp][] = [
    [
      "all of it",
      QUERIES,
      "v2",
      "pass",
      /^refunds: .*result="refunded".* had no series .* although payments_total had$/,
    ],
    [
      "a release that is not there yet",
      { error_rate: QUERIES.error_rate },
      "v3",
      "pass",
      /release="v3"} has no series yet, other releases have/,
    ],
    [
      "a metric that is nowhere",
      { x: { events: "http_request_total" } },
      "v2",
      "fail",
      /^x: there was no metric http_request_total in the last 24 h; did you mean "http_requests_total"\?$/,
    ],
    [
      "a label that is nowhere",
      { x: { bad: REQUESTS, total: `${REQUESTS}{job="shop", release="{release}"}` } },
      "v2",
      "fail",
      /^x: http_requests_total{job="shop"} had no series in the last 24 h, although http_requests_total had$/,
    ],
    [
      "PromQL that is none",
      { x: { value: "sum(pg_connections" } },
      "v2",
      "fail",
      /^x: metrics \(prometheus\) answered 400: invalid parameter "query": 1:19: parse error: unclosed left parenthesis$/,
    ],
    [
      "a value that is not there",
      { x: { value: "sum(nothing)" } },
      "v2",
      "pass",
      /^x: sum\(nothing\) gives nothing now$/,
    ],
    ["no query", { error_rate: QUERIES.error_rate }, "v2", "fail", /^metrics has no query for y$/],
  ];
  it.each(checks)("is asked before a watch for %s", async (what, queries, release, verdict, reason) => {
    const open = prometheusSignals.open(
      "metrics",
      { url: world.server.url, interval: "1s", queries },
      signalPorts(),
    );
    const names = what === "no query" ? ["y"] : Object.keys(queries).filter((name) => name !== "latency");
    const asked = names.map((name): Metric =>
      name === "error_rate" ? { kind: name } : { kind: "query", name },
    );
    const found = await open.check(asked, release, signal);
    expect(found).toEqual({ verdict, reason: expect.stringMatching(reason) as string });
  });

  it("says that it is scraped less often than the runbook believes", async () => {
    const hasty = prometheusSignals.open(
      "hasty",
      { url: world.server.url, interval: "100ms", queries: { error_rate: QUERIES.error_rate } },
      signalPorts(),
    );
    expect(await hasty.check([{ kind: "error_rate" }], "v1", signal)).toEqual({
      verdict: "fail",
      reason: expect.stringMatching(/is sampled every 1\.0 s, so write interval: 1s/) as string,
    });
  });

  it("can tell releases apart where every selector names the release", () => {
    expect(source.gives({ kind: "error_rate" })).toEqual({ form: "counts", perRelease: true });
    expect(source.gives({ kind: "share", slowerThanMs: 500 })).toEqual({ form: "counts", perRelease: false });
    expect(source.gives({ kind: "gauge", name: "failed_payments" })).toBeUndefined();
    expect(source.gives({ kind: "count", name: "pg_conn" })).toBeUndefined();
  });
});

function sum(answer: SeriesAnswer): { bad: number; total: number } | SeriesAnswer {
  if (answer.state !== "counts") return answer;
  const add = (of: (point: CountPoint) => number): number =>
    answer.points.reduce((all, point) => all + of(point), 0);
  return { bad: add(({ bad }) => bad), total: add(({ total }) => total) };
}
