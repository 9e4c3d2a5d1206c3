import { systemClock } from "../../../../src/lib/clock.ts";
import { openApi, type Api, type ApiOptions } from "../../../../src/providers/signals/prometheus/api.ts";
import { openMetricsServer, type MetricsServer } from "../../../support/metrics-server.ts";
import { eventually } from "../../../support/processes.ts";
import { openPrometheus, type PrometheusServer } from "../../../support/prometheus.ts";

export const SECOND = 1000;
export const REQUESTS = "http_requests_total";
export const QUERIES = {
  error_rate: {
    bad: `${REQUESTS}{status=~"5..", release="{release}"}`,
    total: `${REQUESTS}{release="{release}"}`,
  },
  latency: { buckets: 'http_request_duration_seconds_bucket{job="app"}' },
  failed_payments: { events: 'payments_total{result="failed"}' },
  refunds: { events: 'payments_total{result="refunded"}' },
  pg_conn: { value: "pg_connections", max: "pg_max_connections" },
  load: { value: "sum(pg_connections) * 2", max: 100 },
};

/** A Prometheus that has scraped an application for some seconds, in which it went through all that counters can. */
export interface PrometheusWorld {
  server: PrometheusServer;
  api: Api;
  apiOptions: ApiOptions;
  /** Before the first scrape. */
  startedMs: number;
  /** In which all of `counted` was counted, in whole seconds; quiet at both ends. */
  range: { fromMs: number; toMs: number };
  counted: Record<"v1" | "v2", { bad: number; total: number }>;
  close(): Promise<void>;
}

/** v2 is born with requests before its first scrape, then scrapes fail under traffic, then v2 starts again from 0. */
export async function openPrometheusWorld(): Promise<PrometheusWorld> {
  const metrics = await openMetricsServer();
  beBusy(metrics);
  const startedMs = Date.now() - SECOND;
  const server = await openPrometheus(metrics.target);
  const close = async (): Promise<void> => {
    await server.close();
    await metrics.close();
  };
  const apiOptions: ApiOptions = {
    url: server.url,
    headers: {},
    timeoutMs: 10_000,
    who: "it",
    clock: systemClock,
    redact: (text) => text,
  };
  const api = openApi(apiOptions);
  try {
    return { server, api, apiOptions, startedMs, ...(await live(metrics, api)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What was counted before anybody looked. */
function beBusy(metrics: MetricsServer): void {
  metrics.set(`${REQUESTS}{release="v1",status="200"}`, 10_000);
  metrics.set(`${REQUESTS}{release="v1",status="500"}`, 77);
  metrics.set('payments_total{result="paid"}', 5000);
  metrics.set("pg_connections", 12);
  metrics.set("pg_max_connections", 50);
  take(metrics, 0.05);
}

async function live(metrics: MetricsServer, api: Api): Promise<Pick<PrometheusWorld, "range" | "counted">> {
  const counted = { v1: { bad: 0, total: 0 }, v2: { bad: 0, total: 0 } };
  const serve = (release: "v1" | "v2", status: 200 | 500, count: number): void => {
    metrics.add(`${REQUESTS}{release="${release}",status="${status}"}`, count);
    counted[release].total += count;
    if (status === 500) counted[release].bad += count;
  };
  const scraped = (): Promise<void> => allScraped(metrics, api);

  await scraped();
  await eventually("it was scraped for a while", () => metrics.scrapes > 4);
  await scraped();
  const fromMs = Date.now();
  await scraped();
  // A release is born, with requests and errors before its first scrape.
  serve("v1", 200, 40);
  serve("v2", 200, 7);
  serve("v2", 500, 2);
  for (const seconds of [0.05, 0.3, 0.3, 0.7, 5]) take(metrics, seconds);
  await scraped();
  serve("v1", 500, 3);
  serve("v2", 200, 20);
  metrics.add('payments_total{result="failed"}', 4);
  await scraped();
  // Two scrapes fail while requests go on.
  metrics.fails = true;
  const { refused } = metrics;
  serve("v2", 200, 11);
  serve("v2", 500, 1);
  await eventually("two scrapes failed", () => metrics.refused >= refused + 2);
  metrics.fails = false;
  serve("v2", 200, 5);
  metrics.set("pg_connections", 30);
  await scraped();
  // The release starts again and counts from 0.
  metrics.forget(`${REQUESTS}{release="v2"`);
  serve("v2", 200, 3);
  serve("v2", 500, 1);
  for (const seconds of [0.05, 0.7]) take(metrics, seconds);
  await scraped();
  serve("v2", 200, 9);
  await scraped();
  const lengthMs = Math.ceil((Date.now() - fromMs) / SECOND) * SECOND;
  const range = { fromMs, toMs: fromMs + lengthMs };
  await eventually("the range is past", () => Date.now() > range.toMs);
  await scraped();
  return { range, counted };
}

function take(metrics: MetricsServer, seconds: number): void {
  for (const bound of [0.1, 0.5, 1]) metrics.add(bucket(bound), seconds <= bound ? 1 : 0);
  metrics.add(bucket("+Inf"));
}

function bucket(bound: number | string): string {
  return `http_request_duration_seconds_bucket{le="${bound}"}`;
}

/** All that is counted by now is in Prometheus. */
async function allScraped(metrics: MetricsServer, api: Api): Promise<void> {
  const { signal } = new AbortController();
  metrics.add("scrape_marker_total");
  await eventually("Prometheus has what was counted", async () => {
    const answer = await api.instant("scrape_marker_total", Date.now(), signal);
    return answer.ok && answer.value[0]?.samples[0]?.value === metrics.value("scrape_marker_total");
  });
}
