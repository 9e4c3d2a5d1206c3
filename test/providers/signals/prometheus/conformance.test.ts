import { afterAll, beforeAll, describe, it } from "vitest";
import type { Metric } from "../../../../src/model/metric.ts";
import { prometheusSignals } from "../../../../src/providers/signals/prometheus/index.ts";
import { signalSourceScenarios } from "../../../../src/testing/index.ts";
import { openFaultServer, passOn } from "../../../support/fault-server.ts";
import { hasPrometheus } from "../../../support/prometheus.ts";
import { signalPorts } from "../../../support/signal-ports.ts";
import { openPrometheusWorld, QUERIES, SECOND, type PrometheusWorld } from "./world.ts";

const TOKEN = "t0ken-that-nobody-sees";
const isThere = await hasPrometheus();

describe.skipIf(!isThere)("a prometheus source", () => {
  let world: PrometheusWorld;
  beforeAll(async () => {
    world = await openPrometheusWorld();
  }, 120_000);
  afterAll(() => world?.close());

  const half = (): number =>
    world.range.fromMs + Math.ceil((world.range.toMs - world.range.fromMs) / 2 / SECOND) * SECOND;
  const scenarios = signalSourceScenarios({
    async open() {
      const proxy = await openFaultServer({
        serve: passOn(world.server.url),
        faults: {
          empty: passOn(world.server.url, (body) => edited(body, () => [])),
          "not-a-number": passOn(world.server.url, (body) =>
            edited(body, (samples) => samples.map(([at]) => [at, "NaN"])),
          ),
          stale: passOn(world.server.url, (body) =>
            edited(body, (samples) =>
              samples.length === 1 ? samples : samples.filter(([at]) => at * SECOND <= half()),
            ),
          ),
        },
      });
      const question = { release: "v2", ...world.range, stepMs: SECOND };
      const metrics: Metric[] = [
        { kind: "error_rate" },
        { kind: "share", slowerThanMs: 500 },
        { kind: "quantile", percent: 95 },
        { kind: "count", name: "failed_payments" },
        { kind: "gauge", name: "pg_conn" },
        { kind: "query", name: "load" },
      ];
      return {
        source: prometheusSignals.open(
          "metrics",
          { url: proxy.url, token: "env:TOKEN", interval: "1s", timeout: "2s", queries: QUERIES },
          signalPorts({ secrets: { "env:TOKEN": TOKEN } }),
        ),
        questions: metrics.map((metric) => ({ metric, ...question })) as [never],
        foreign: [
          { kind: "count", name: "pg_conn" },
          { kind: "query", name: "latency" },
        ],
        behave: (fault) => proxy.behave(fault),
        secrets: [TOKEN],
        close: () => proxy.close(),
      };
    },
  });
  for (const { title, run } of scenarios) it(title, run);
});

type Pair = [at: number, value: string];

/** An answer with other samples; series without a sample are left out. */
function edited(body: string, edit: (samples: Pair[]) => Pair[]): string {
  const answer = JSON.parse(body) as {
    data?: { resultType?: string; result?: { value?: Pair; values?: Pair[] }[] };
  };
  if (answer.data?.result === undefined || answer.data.resultType === "scalar") return body;
  answer.data.result = answer.data.result.flatMap((series) => {
    const samples = edit(series.values ?? [series.value!]);
    if (samples.length === 0) return [];
    return [series.values === undefined ? { ...series, value: samples[0]! } : { ...series, values: samples }];
  });
  return JSON.stringify(answer);
}
