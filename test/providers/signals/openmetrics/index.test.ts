import { describe, expect, it } from "vitest";
import type { Metric } from "../../../../src/model/metric.ts";
import type { SignalSource } from "../../../../src/model/signal-source.ts";
import { openmetricsSignals } from "../../../../src/providers/signals/openmetrics/index.ts";
import { signalSourceScenarios } from "../../../../src/testing/index.ts";
import { openFaultServer, type FaultServer } from "../../../support/fault-server.ts";
import { signalPorts } from "../../../support/signal-ports.ts";

const TOKEN = "t0ken-that-nobody-sees";
const NOW = Date.now();
const range = { release: "v2", fromMs: NOW - 60_000, toMs: NOW, stepMs: 10_000 };
const signal = new AbortController().signal;

const METRICS = {
  error_rate: {
    bad: 'http_requests_total{status=~"5..", release="{release}"}',
    total: 'http_requests_total{release="{release}"}',
  },
  latency: { buckets: "http_request_duration_seconds_bucket" },
  failed_payments: { events: 'payments_total{result="failed"}' },
  pool: { value: 'db_pool_connections{state="used"}', max: "db_pool_size" },
  bound: { value: 'db_pool_connections{state="used"}', max: 80 },
};

/** As an application exposes them; `of` changes every value. */
function exposed(of: (value: number) => string): string {
  return `# TYPE http_requests_total counter
http_requests_total{status="200",release="v1"} ${of(9000)}
http_requests_total{status="200",release="v2"} ${of(90)}
http_requests_total{status="404",release="v2"} ${of(5)}
http_requests_total{status="500",release="v2"} ${of(3)}
http_requests_total{status="503",release="v2"} ${of(1)}
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.1",route="/"} ${of(60)}
http_request_duration_seconds_bucket{le="0.5",route="/"} ${of(80)}
http_request_duration_seconds_bucket{le="+Inf",route="/"} ${of(90)}
http_request_duration_seconds_bucket{le="0.1",route="/a"} ${of(1)}
http_request_duration_seconds_bucket{le="0.5",route="/a"} ${of(5)}
http_request_duration_seconds_bucket{le="+Inf",route="/a"} ${of(9)}
# TYPE payments_total counter
payments_total{result="paid"} ${of(40)}
payments_total{result="failed"} ${of(2)}
# TYPE refunds_total counter
# TYPE db_pool_connections gauge
db_pool_connections{state="used"} ${of(12)}
db_pool_connections{state="idle"} ${of(8)}
# TYPE db_pool_size gauge
db_pool_size ${of(20)}
`;
}

function serve(text: string): Promise<FaultServer> {
  return openFaultServer({
    serve: (_request, response) => response.writeHead(200, { "content-type": "text/plain" }).end(text),
    faults: {
      empty: (_request, response) => response.end("# nothing\n"),
      "not-a-number": (_request, response) => response.end(exposed(() => "NaN")),
      stale: (_request, response) => response.end(exposed((value) => `${value} ${range.fromMs + 5000}`)),
    },
    malformed: 'http_requests_total{status="200"} 9000\nhttp_requests_total{sta',
  });
}

async function withSource(
  metrics: object,
  work: (source: SignalSource) => Promise<void>,
  text = exposed(String),
): Promise<void> {
  const server = await serve(text);
  try {
    await work(openmetricsSignals.open("app", { metrics }, signalPorts({ url: server.url })));
  } finally {
    await server.close();
  }
}

describe("an openmetrics source", () => {
  const metrics: Metric[] = [
    { kind: "error_rate" },
    { kind: "share", slowerThanMs: 500 },
    { kind: "count", name: "failed_payments" },
    { kind: "gauge", name: "pool" },
  ];
  const scenarios = signalSourceScenarios({
    async open() {
      const server = await serve(exposed(String));
      const settings = { url: server.url, token: "env:TOKEN", timeout: "500ms", metrics: METRICS };
      return {
        source: openmetricsSignals.open("app", settings, signalPorts({ secrets: { "env:TOKEN": TOKEN } })),
        questions: metrics.map((metric) => ({ metric, ...range })) as [never],
        foreign: [
          { kind: "quantile", percent: 95 },
          { kind: "gauge", name: "failed_payments" },
        ],
        behave: (fault) => server.behave(fault),
        secrets: [TOKEN],
        close: () => server.close(),
      };
    },
  });
  for (const { title, run } of scenarios) it(title, run);
});

describe("what an application exposes", () => {
  it("is summed up over the series that are meant", async () => {
    await withSource(METRICS, async (source) => {
      const ask = (metric: Metric) => source.query({ metric, ...range }, signal);
      const counter = { state: "counter", atMs: expect.any(Number) as number };
      expect(await ask({ kind: "error_rate" })).toEqual({ ...counter, bad: 4, total: 99 });
      expect(await ask({ kind: "share", slowerThanMs: 500 })).toEqual({ ...counter, bad: 14, total: 99 });
      expect(await ask({ kind: "share", slowerThanMs: 100 })).toEqual({ ...counter, bad: 38, total: 99 });
      expect(await ask({ kind: "count", name: "failed_payments" })).toEqual({ ...counter, bad: 2, total: 0 });
      const pool = { atMs: expect.any(Number) as number, value: 12 };
      expect(await ask({ kind: "gauge", name: "pool" })).toEqual({
        state: "values",
        points: [{ ...pool, max: 20 }],
      });
      expect(await ask({ kind: "query", name: "bound" })).toEqual({
        state: "values",
        points: [{ ...pool, max: 80 }],
      });
    });
  });

  it("tells when its process began, unless it tells it of several", async () => {
    const ask = (source: SignalSource) => source.query({ metric: { kind: "error_rate" }, ...range }, signal);
    const own = `${exposed(String)}process_start_time_seconds 1.7e9\n`;
    await withSource(
      METRICS,
      async (source) => expect(await ask(source)).toMatchObject({ processStartSeconds: 1.7e9, total: 99 }),
      own,
    );
    await withSource(
      METRICS,
      async (source) => expect(await ask(source)).not.toHaveProperty("processStartSeconds"),
      `${own}process_start_time_seconds{of="b"} 1.8e9\n`,
    );
  });

  it("is zero of a release that has no series yet, and nothing of a metric that is not there", async () => {
    await withSource(
      { ...METRICS, x: { events: "x_total" }, refunds: { events: "refunds_total" } },
      async (source) => {
        const ask = (metric: Metric) => source.query({ ...range, metric, release: "v3" }, signal);
        expect(await ask({ kind: "error_rate" })).toMatchObject({ state: "counter", bad: 0, total: 0 });
        expect(await ask({ kind: "count", name: "refunds" })).toMatchObject({ state: "counter", bad: 0 });
        expect(await ask({ kind: "count", name: "x" })).toEqual({
          state: "no-data",
          reason: "there is no x_total",
        });
      },
    );
  });

  it("has no share of a time that is no bound of every histogram", async () => {
    const reason =
      "the histogram has no bucket bound at 0.25 s, so that this share is not known; it has 0.1, 0.5";
    await withSource(METRICS, async (source) => {
      const metric: Metric = { kind: "share", slowerThanMs: 250 };
      expect(await source.query({ metric, ...range }, signal)).toEqual({
        state: "error",
        reason,
        isLasting: true,
      });
    });
    const uneven = exposed(String).replace('le="0.5",route="/a"', 'le="0.6",route="/a"');
    await withSource(
      METRICS,
      async (source) => {
        const metric: Metric = { kind: "share", slowerThanMs: 500 };
        expect(await source.query({ metric, ...range }, signal)).toMatchObject({
          state: "error",
          isLasting: true,
        });
      },
      uneven,
    );
  });

  const checks: [what: string, metric: object, verdict: string, reason: string][] = [
    [
      "a metric that is not there",
      { events: "payment_total" },
      "fail",
      'it: there is no metric payment_total; did you mean "payments_total"?',
    ],
    [
      "a gauge in a counter's place",
      { events: "db_pool_size" },
      "fail",
      "it: db_pool_size is a gauge, and no counter",
    ],
    [
      "several series of one value",
      { value: "db_pool_connections" },
      "fail",
      "it: db_pool_connections means 2 series instead of one: name more of its labels",
    ],
    [
      "a pattern that is none",
      { events: 'payments_total{result=~"("}' },
      "fail",
      'it: "(" is not a pattern of RE2',
    ],
    [
      "a series that is not there yet",
      { value: 'db_pool_connections{state="x"}' },
      "pass",
      'it: there is no db_pool_connections{state="x"}',
    ],
    [
      "counters without a series",
      { events: "refunds_total" },
      "pass",
      "app (openmetrics) exposes all of them",
    ],
  ];
  it.each(checks)("is asked before a watch for %s", async (_what, metric, verdict, reason) => {
    await withSource({ it: metric }, async (source) => {
      expect(await source.check([{ kind: "query", name: "it" }], "v2", signal)).toEqual({ verdict, reason });
    });
  });

  it("takes linear time for a pattern that would take ages otherwise", async () => {
    const text = `x_total{a="${"a".repeat(2000)}"} 1\n`;
    await withSource(
      { it: { events: 'x_total{a=~"(a+)+b"}' } },
      async (source) => {
        const answer = await source.query({ metric: { kind: "count", name: "it" }, ...range }, signal);
        expect(answer).toMatchObject({ state: "counter", bad: 0 });
      },
      text,
    );
  });

  it("knows the present only, which counters make up for", () => {
    const historyOf = (metrics: object): string =>
      openmetricsSignals.open("app", { metrics }, signalPorts()).traits.history;
    expect(historyOf(METRICS)).toBe("counter");
    expect(historyOf({ pool: METRICS.pool })).toBe("now");
  });

  it("can tell releases apart where every selector names the release", async () => {
    await withSource(METRICS, async (source) => {
      expect(source.gives({ kind: "error_rate" })).toEqual({ form: "counts", perRelease: true });
      expect(source.gives({ kind: "count", name: "failed_payments" })).toEqual({
        form: "events",
        perRelease: false,
      });
      expect(source.gives({ kind: "query", name: "pool" })).toEqual({ form: "values", perRelease: false });
    });
  });
});
