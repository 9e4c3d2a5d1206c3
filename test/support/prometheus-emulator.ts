import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../src/lib/clock.ts";

/** What keeps it from being seen. The names are those of the conformance of sources. */
export const BLINDING_FAULTS = [
  "refused",
  "hang",
  "unauthorized",
  "throttled",
  "broken",
  "empty",
  "not-a-number",
  "stale",
] as const;
export type BlindingFault = (typeof BLINDING_FAULTS)[number];

/** Value of a counter at a time; what it was yesterday too, because a counter that appears is another thing. */
export type CounterAt = (metric: string, release: string, atMs: number) => number;

export interface PrometheusEmulator {
  /** Without a slash at the end. */
  url: string;
  behave(fault: BlindingFault | "none"): Promise<void>;
  close(): Promise<void>;
}

const SCRAPE_MS = 15_000;
const SELECTOR = /^(\w+)\{release="(\w+)"\}\[(\d+)ms\]$/;

/**
 * The part of Prometheus' HTTP API that reads raw samples, on a clock that a test moves: a real server has samples of the
 * real time only. Every series is sampled each 15 s since ever. What else is asked for is refused.
 * https://prometheus.io/docs/prometheus/latest/querying/api/
 */
export async function openPrometheusEmulator(
  clock: Clock,
  counterAt: CounterAt,
): Promise<PrometheusEmulator> {
  let fault: BlindingFault | "none" = "none";
  let sinceMs = 0;

  const samplesOf = (query: string, toMs: number): unknown[] | undefined => {
    if (fault === "empty") return [];
    const [, metric, release, length] = SELECTOR.exec(query) ?? [];
    if (metric === undefined || release === undefined) return undefined;
    const untilMs = fault === "stale" ? Math.min(toMs, sinceMs) : Math.min(toMs, clock.now().getTime());
    const values: [number, string][] = [];
    const firstMs = Math.floor((toMs - Number(length)) / SCRAPE_MS + 1) * SCRAPE_MS;
    for (let atMs = firstMs; atMs <= untilMs; atMs += SCRAPE_MS)
      values.push([atMs / 1000, fault === "not-a-number" ? "NaN" : String(counterAt(metric, release, atMs))]);
    return values.length === 0 ? [] : [{ metric: { __name__: metric, release }, values }];
  };
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const answer = (status: number, body: object, headers: Record<string, string> = {}): void =>
      void response
        .writeHead(status, { "content-type": "application/json", ...headers })
        .end(JSON.stringify(body));
    const refuse = (status: number, error: string, headers?: Record<string, string>): void =>
      answer(status, { status: "error", errorType: "bad_data", error }, headers);
    if (fault === "hang") return;
    if (fault === "unauthorized") return refuse(401, "who are you");
    if (fault === "throttled") return refuse(429, "too many requests", { "retry-after": "7" });
    if (fault === "broken") return refuse(500, "out of memory");
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://prometheus");
    const query = searchParams.get("query") ?? "";
    const result = samplesOf(query, 1000 * Number(searchParams.get("time")));
    if (!pathname.startsWith("/api/v1/query") || result === undefined)
      return refuse(400, `this server does not speak ${pathname} ${query}`);
    answer(200, { status: "success", data: { resultType: "matrix", result } });
  };

  const server = createServer(handle);
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        server.off("error", reject);
        resolve();
      });
    });
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async behave(next) {
      sinceMs = clock.now().getTime();
      fault = next;
      if (next === "refused") await stop();
      else if (!server.listening) await listen(port);
      else if (next === "none") server.closeAllConnections(); // requests that hang
    },
    close: () => (server.listening ? stop() : Promise.resolve()),
  };
}
