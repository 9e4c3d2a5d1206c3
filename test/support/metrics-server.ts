import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** An application's metrics, counted by the test itself. */
export interface MetricsServer {
  /** host:port; the metrics are at /metrics. */
  target: string;
  /** Adds to a counter or sets a gauge of this name and these labels: `set('http_requests_total{status="200"}', …)`. */
  add(series: string, by?: number): void;
  set(series: string, value: number | string): void;
  /** Forgets every series whose name and labels the text begins with, as a restart does. */
  forget(prefix: string): void;
  /** As it stands. */
  value(series: string): number;
  /** While true, scrapes are answered with 503. */
  fails: boolean;
  /** How many scrapes were answered, and how many refused. */
  readonly scrapes: number;
  readonly refused: number;
  close(): Promise<void>;
}

export async function openMetricsServer(): Promise<MetricsServer> {
  const values = new Map<string, number | string>();
  let scrapes = 0;
  let refused = 0;
  const server = createServer((_request, response) => {
    if (metrics.fails) {
      refused++;
      response.writeHead(503).end();
      return;
    }
    const lines = [...values].map(([series, value]) => `${series} ${value}\n`);
    response.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(lines.join(""));
    scrapes++;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const metrics: MetricsServer = {
    target: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    fails: false,
    add: (series, by = 1) => void values.set(series, Number(values.get(series) ?? 0) + by),
    set: (series, value) => void values.set(series, value),
    forget(prefix) {
      for (const series of values.keys()) if (series.startsWith(prefix)) values.delete(series);
    },
    value: (series) => Number(values.get(series) ?? 0),
    get scrapes() {
      return scrapes;
    },
    get refused() {
      return refused;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return metrics;
}
