import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createFakeClock } from "../../src/testing/fake-clock.ts";
import type { LoadRequest } from "../../src/testing/load-client.ts";
import { startLoad, type Load, type LoadOptions, type LoadReport } from "../../src/testing/load-generator.ts";

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

describe("startLoad", () => {
  it("sends as many requests as the rate says and the time has room for, however slow the server is", async () => {
    const held: ServerResponse[] = [];
    const baseUrl = await serve((_request, response) => void held.push(response));
    const clock = createFakeClock();
    const load = start({ baseUrl, requestsPerSecond: 300, connections: 10, clock, requests: get("/slow") });

    clock.advance(500);
    await until(() => held.length === 150);
    clock.advance(500);
    await until(() => held.length === 300);
    expect(load.snapshot()).toMatchObject({ sent: 300, inFlight: 300, notSent: 0, total: { requests: 0 } });

    for (const response of held) response.end("late");
    await until(() => load.snapshot().inFlight === 0);
    const report = await stopWith(load, clock);
    expect(report).toMatchObject({ sent: 300, inFlight: 0, total: { requests: 300, failed: 0 } });
    expect(report.total.latency.p50Ms).toBeGreaterThan(0);
  });

  it("counts what it left out when too many are in flight or its own process was held up", async () => {
    const held: ServerResponse[] = [];
    const baseUrl = await serve((_request, response) => void held.push(response));
    const clock = createFakeClock();
    const load = start({
      baseUrl,
      requestsPerSecond: 10,
      connections: 2,
      clock,
      maxInFlight: 4,
      requests: get("/"),
    });

    clock.advance(1000);
    await until(() => held.length === 4);
    expect(load.snapshot()).toMatchObject({ sent: 4, notSent: 6 });
    for (const response of held.splice(0)) response.end();
    await until(() => load.snapshot().inFlight === 0);
    clock.advance(5000);
    await until(() => held.length === 4);
    expect(load.snapshot()).toMatchObject({ sent: 8, notSent: 52 });

    for (const response of held) response.end();
    await until(() => load.snapshot().inFlight === 0);
    await stopWith(load, clock);
  });

  it("tells answers, server errors, network errors, cut answers and timeouts apart, by name and by release", async () => {
    const baseUrl = await serve((request, response) => {
      const [, kind, release] = request.url!.split("/");
      if (release !== undefined) response.setHeader("x-tminus-release", release);
      if (kind === "reset") request.socket.destroy();
      else if (kind === "cut") response.write("half", () => request.socket.destroy());
      else if (kind !== "hang") response.writeHead(Number(kind)).end("whole");
    });
    const paths = ["/200/v1", "/404/v1", "/500/v2", "/503/v2", "/reset/v2", "/cut/v2", "/hang/v2", "/201/v2"];
    const clock = createFakeClock();
    const load = start({ baseUrl, requestsPerSecond: 8, connections: 8, clock, requests: list(paths) });

    clock.advance(1000);
    await until(() => load.snapshot().inFlight === 1);
    expect(load.snapshot().total).toMatchObject({ requests: 7, failed: 4, timeouts: 0 });
    const report = await stopWith(load, clock);

    expect(report.total).toMatchObject({ requests: 8, failed: 5, networkErrors: 2, timeouts: 1 });
    expect(report.total.statuses).toEqual({ 200: 1, 201: 1, 404: 1, 500: 1, 503: 1 });
    expect(report.total.errors).toEqual({ ECONNRESET: 2 });
    expect(report.byRelease.v1).toMatchObject({ requests: 2, failed: 0, firstBadAt: null, lastBadAt: null });
    expect(report.byRelease.v2).toMatchObject({ requests: 4, failed: 3, networkErrors: 1 });
    expect(report.byRelease.none).toMatchObject({ requests: 2, failed: 2, networkErrors: 1, timeouts: 1 });
    expect(report.byName["/hang/v2"]).toMatchObject({
      requests: 1,
      failed: 1,
      timeouts: 1,
      networkErrors: 0,
    });
    expect(report.byName["/404/v1"]).toMatchObject({ requests: 1, failed: 0, statuses: { 404: 1 } });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it("remembers when each release was first and last seen, and first and last failed", async () => {
    let answer: [release: string, status: number] = ["v1", 200];
    const baseUrl = await serve((_request, response) => {
      response.writeHead(answer[1], { "x-tminus-release": answer[0] }).end();
    });
    const clock = createFakeClock({ start: new Date(0) });
    const load = start({ baseUrl, requestsPerSecond: 1, connections: 1, clock, requests: get("/") });
    const answered = async (release: string, status: number): Promise<void> => {
      answer = [release, status];
      const before = load.snapshot().total.requests;
      await until(() => clock.sleepers() === 1);
      clock.advance(1000);
      await until(() => load.snapshot().total.requests === before + 1);
    };
    await answered("v1", 200);
    await answered("v2", 200);
    await answered("v2", 500);
    await answered("v1", 200);
    await answered("v2", 502);
    await answered("v2", 204);
    const { byRelease } = await stopWith(load, clock);

    expect(byRelease.v1).toMatchObject({ firstSeenAt: 1000, lastSeenAt: 4000, firstBadAt: null });
    expect(byRelease.v2).toMatchObject({
      firstSeenAt: 2000,
      lastSeenAt: 6000,
      firstBadAt: 3000,
      lastBadAt: 5000,
    });
  });

  it("keeps the cookies of each client apart, replaces and drops them, and reuses connections", async () => {
    let assigned = 0;
    const seen: { cookie: string | undefined; port: number }[] = [];
    const baseUrl = await serve((request, response) => {
      const { cookie } = request.headers;
      seen.push({ cookie, port: request.socket.remotePort! });
      const visits = Number(/visits=(\d+)/.exec(cookie ?? "")?.[1] ?? 0) + 1;
      const lines = [`visits=${visits}; Path=/`, "flash=; Max-Age=0"];
      if (visits === 1) lines.push(`bucket=${assigned++}; HttpOnly; SameSite=Lax`, "flash=hello");
      response.writeHead(200, { "set-cookie": lines }).end();
    });
    const clock = createFakeClock();
    const load = start({ baseUrl, requestsPerSecond: 2, connections: 2, clock, requests: get("/") });
    for (let round = 1; round <= 3; round++) {
      await until(() => clock.sleepers() === 1);
      clock.advance(1000);
      await until(() => load.snapshot().total.requests === 2 * round);
    }
    await stopWith(load, clock);

    const cookies = seen.map((row) => row.cookie);
    expect(cookies.slice(0, 2)).toEqual([undefined, undefined]);
    expect(new Set(cookies.slice(2, 4))).toEqual(
      new Set(["visits=1; bucket=0; flash=hello", "visits=1; bucket=1; flash=hello"]),
    );
    expect(new Set(cookies.slice(4))).toEqual(new Set(["visits=2; bucket=0", "visits=2; bucket=1"]));
    expect(new Set(seen.map((row) => row.port)).size).toBe(2);
  });

  it("gives the answer to the request that asked for it", async () => {
    const baseUrl = await serve((request, response) => {
      response.writeHead(201);
      request.pipe(response);
    });
    const answers: [number, string][] = [];
    const body = JSON.stringify({ name: "Zoë" });
    const requests = (): LoadRequest => ({
      ...get("/echo")(),
      method: "POST",
      body,
      onResponse: (status, text) => void answers.push([status, text]),
    });
    const clock = createFakeClock();
    const load = start({ baseUrl, requestsPerSecond: 1, connections: 1, clock, requests });
    clock.advance(1000);
    await until(() => answers.length === 1);
    await stopWith(load, clock);
    expect(answers).toEqual([[201, body]]);
  });

  it("breaks off at the signal and does not count what it broke off", async () => {
    const held: ServerResponse[] = [];
    const baseUrl = await serve((_request, response) => void held.push(response));
    const clock = createFakeClock();
    const controller = new AbortController();
    const load = start({
      baseUrl,
      requestsPerSecond: 5,
      connections: 5,
      clock,
      requests: get("/"),
      signal: controller.signal,
    });
    clock.advance(1000);
    await until(() => held.length === 5);
    controller.abort();
    const report = await load.stop();
    await until(() => held.every((response) => response.destroyed));
    expect(report).toMatchObject({ sent: 5, inFlight: 0, total: { requests: 0, failed: 0 } });
    expect(load.snapshot()).toEqual(report);
  });

  it("hands what the scenario throws to whoever stops the load", async () => {
    const baseUrl = await serve((_request, response) => void response.end());
    const clock = createFakeClock();
    let asked = false;
    const requests = (): LoadRequest => {
      asked = true;
      throw new Error("out of ideas");
    };
    const load = start({ baseUrl, requestsPerSecond: 5, connections: 1, clock, requests });
    clock.advance(1000);
    await until(() => asked);
    await expect(load.stop()).rejects.toThrow("out of ideas");
  });

  it("counts a server that is not there as network errors", async () => {
    const baseUrl = await serve((_request, response) => void response.end());
    await new Promise((resolve) => servers.pop()!.close(resolve));
    const clock = createFakeClock();
    const load = start({ baseUrl, requestsPerSecond: 3, connections: 1, clock, requests: get("/") });
    clock.advance(1000);
    await until(() => load.snapshot().total.requests === 3);
    const { total } = await stopWith(load, clock);
    expect(total).toMatchObject({ failed: 3, networkErrors: 3, errors: { ECONNREFUSED: 3 } });
    expect(total.latency).toEqual({ p50Ms: null, p95Ms: null, p99Ms: null, maxMs: null, histogram: [] });
  });
});

type Options = Omit<LoadOptions, "scenario"> & { requests: () => LoadRequest };

function start({ requests, ...options }: Options): Load {
  return startLoad({ ...options, scenario: { next: requests } });
}

function get(path: string): () => LoadRequest {
  return () => ({ name: path, method: "GET", path });
}

function list(paths: string[]): () => LoadRequest {
  let turn = 0;
  return () => get(paths[turn++ % paths.length]!)();
}

async function serve(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Stops the load and, when something is still in flight, lets its time run out. */
async function stopWith(load: Load, clock: ReturnType<typeof createFakeClock>): Promise<LoadReport> {
  let ended = false;
  const stopped = load.stop().finally(() => (ended = true));
  await until(() => {
    if (clock.sleepers() > 0) clock.advance(10_000);
    return ended;
  });
  return stopped;
}

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 10_000, interval: 5 }).toBe(true);
}
