import type { SignalSource } from "../../../../src/model/signal-source.ts";
import { datadogSignals } from "../../../../src/providers/signals/datadog/index.ts";
import {
  API_KEY,
  APPLICATION_KEY,
  openDatadogEmulator,
  type DatadogEmulator,
} from "../../../support/datadog-emulator.ts";
import { signalPorts } from "../../../support/signal-ports.ts";

/** 2026-01-05 10:00 UTC, where buckets of every usual length begin. */
export const T0 = Date.UTC(2026, 0, 5, 10);

export const QUERIES = {
  error_rate: {
    bad: "sum:http.errors{service:shop,version:{release}}",
    total: "sum:http.hits{service:shop,version:{release}}.as_count()",
  },
  failed_payments: { events: "sum:payments.failed{*}" },
  pg_conn: { value: "max:postgresql.connections{env:prod}", max: "max:postgresql.max_connections{env:prod}" },
  p95: { value: "p95:http.duration{service:shop}", unit: "s" },
};

export interface DatadogWorld extends AsyncDisposable {
  emulator: DatadogEmulator;
  open(settings?: object): SignalSource;
}

export async function openWorld(): Promise<DatadogWorld> {
  const emulator = await openDatadogEmulator();
  return {
    emulator,
    open: (settings = {}) =>
      datadogSignals.open(
        "dd",
        {
          url: emulator.url,
          apiKey: "env:DD_API_KEY",
          applicationKey: "env:DD_APPLICATION_KEY",
          queries: QUERIES,
          ...settings,
        },
        signalPorts({ secrets: { "env:DD_API_KEY": API_KEY, "env:DD_APPLICATION_KEY": APPLICATION_KEY } }),
      ),
    [Symbol.asyncDispose]: () => emulator.close(),
  };
}

/** Of v2: 3 of 40 requests go wrong every 10 s, beside metrics of the database and latencies. */
export function sendAll(emulator: DatadogEmulator, fromMs: number, toMs: number): void {
  const service = ["service:shop", "version:v2"];
  for (let at = fromMs / 1000; at < toMs / 1000; at += 10) {
    emulator.send([
      { metric: "http.hits", tags: service, at: at + 3, value: 40 },
      { metric: "http.errors", tags: service, at: at + 7, value: 3 },
      { metric: "payments.failed", tags: [], at: at + 1, value: 2 },
      { metric: "postgresql.connections", tags: ["env:prod"], at: at + 5, value: 40 + (at % 60) },
      { metric: "postgresql.max_connections", tags: ["env:prod"], at: at + 5, value: 100 },
      { metric: "http.duration", tags: service, at: at + 2, value: 0.25 },
    ]);
  }
}
