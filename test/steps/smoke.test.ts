import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { systemClock } from "../../src/lib/clock.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { StepResult } from "../../src/model/step-kind.ts";
import { smoke } from "../../src/steps/smoke.ts";
import type { CheckReport } from "../../src/steps/smoke/run-checks.ts";
import {
  createFakeStepWorld,
  type FakeStepWorld,
  type FakeStepWorldOptions,
} from "../../src/testing/fake-step-context.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";
import { createFakeTarget } from "../../src/testing/fake-target.ts";

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
});

async function serve(handler: Handler): Promise<string> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => handler(request, response, body));
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An application with a login, whose orders can only be seen with the token. */
function shop(request: IncomingMessage, response: ServerResponse, body: string): void {
  const say = (status: number, value: unknown): void => {
    response.writeHead(status, {
      "content-type": "application/json; charset=utf-8",
      "x-tminus-release": "v2",
    });
    response.end(JSON.stringify(value));
  };
  if (request.url === "/health") return say(200, { status: "ok", checks: [{ name: "db", up: true }] });
  if (request.url === "/login")
    return say(200, { token: "secret-token-1", echo: JSON.parse(body) as unknown });
  const isKnown = request.headers.authorization === "Bearer secret-token-1";
  if (request.url === "/orders")
    return isKnown ? say(200, { orders: [1], seen: "secret-token-1" }) : say(401, { error: "no" });
  return say(404, { error: "not found" });
}

const login = {
  id: "login",
  tags: ["P0", "auth"],
  method: "POST",
  path: "/login",
  body: { json: { user: "smoke-${random}", password: "${variable.SMOKE_PASSWORD}" } },
  capture: { token: "$.token" },
};
const orders = { id: "orders", path: "/orders", headers: { Authorization: "Bearer ${capture.token}" } };
const health = {
  id: "health",
  tags: ["P0"],
  path: "/health",
  expect: { json: [{ path: "$.status", equals: "ok" }] },
};

interface Ran {
  result: StepResult;
  world: FakeStepWorld;
  reports: Record<string, CheckReport>;
  junit: string;
}

async function run(url: string, settings: JsonObject, options: FakeStepWorldOptions = {}): Promise<Ran> {
  const world = createFakeStepWorld({
    clock: systemClock,
    environment: { url },
    variables: { SMOKE_PASSWORD: "pass-word-1" },
    ...options,
  });
  const result = await smoke.act(world.open(smoke.schema.parse(settings), null).context);
  const content = (name: string): string =>
    world.evidence.find((item) => item.name === name)?.content ?? "[]";
  const reports = JSON.parse(content("checks.json")) as CheckReport[];
  return {
    result,
    world,
    reports: Object.fromEntries(reports.map((report) => [report.id, report])),
    junit: content("junit.xml"),
  };
}

describe("smoke", () => {
  it("passes when every answer is what it must be, and carries captures from check to check", async () => {
    const { result, world, reports } = await run(await serve(shop), { checks: [health, login, orders] });
    expect(result).toMatchObject({
      outcome: "done",
      reason: "3 of 3 checks passed",
      result: { verdict: "pass", passed: 3 },
    });
    expect(Object.values(reports).map((report) => report.verdict)).toEqual(["pass", "pass", "pass"]);
    expect(world.progress).toHaveLength(3);
    expect(world.progress[0]).toMatch(/^1\/3 health ok \d+ ms$/);
  });

  it("shows neither captured values nor variables that were sent, in whatever form they come back", async () => {
    const { world, result } = await run(await serve(shop), {
      checks: [login, orders, { ...orders, id: "wrong", expect: { status: 500 } }],
    });
    const shown = JSON.stringify([world.evidence, world.progress, result]);
    expect(shown).not.toContain("secret-token-1");
    expect(shown).not.toContain("pass-word-1");
    expect(shown).toContain("***");
  });

  it("does not show a value to capture from an answer that was wrong, nor a part of it", async () => {
    const token = "t".repeat(100) + "end-of-token";
    const url = await serve((_, response) =>
      response.writeHead(500).end(JSON.stringify({ pad: "p".repeat(420), token })),
    );
    const check = { ...login, expect: { status: 200, json: [{ path: "$.token", equals: "x" }] } };
    const { world, result } = await run(url, { checks: [check] });
    expect(result.outcome).toBe("failed");
    expect(JSON.stringify([world.evidence, world.progress, result])).not.toContain("tttttttt");
  });

  it("fails with what was wrong, and does not run what needs the failed check", async () => {
    const url = await serve((request, response, body) =>
      request.url === "/login" ? response.writeHead(503).end("busy") : shop(request, response, body),
    );
    const { result, reports, junit } = await run(url, { checks: [health, login, orders] });
    expect(result.outcome).toBe("failed");
    expect(result.reason).toBe("1 of 3 checks failed: login answered 503, expected 200; 1 not run");
    expect(reports.orders).toMatchObject({ verdict: "not-run", attempts: 0, reasons: ["needs login"] });
    expect(junit).toContain('tests="3" failures="1" errors="0" skipped="1"');
  });

  it.each<[string, JsonObject, string]>([
    ["the status", { status: [201, 204] }, "answered 200, expected 201 or 204"],
    ["a value", { json: [{ path: "$.status", equals: "down" }] }, '$.status is "ok", expected "down"'],
    [
      "a value that does not match",
      { json: [{ path: "$.status", matches: "d*n" }] },
      '$.status is "ok", which does not match "d*n"',
    ],
    ["a value that is not there", { json: [{ path: "$.version", exists: true }] }, "$.version is not there"],
    [
      "a value that must not be there",
      { json: [{ path: "$.status", exists: false }] },
      '$.status is there: "ok"',
    ],
    ["one of several values", { json: [{ path: "$..up", equals: false }] }, "$..up is true, expected false"],
    ["a text", { text: ["status", "v9"] }, 'does not contain "v9"'],
    [
      "a header",
      { headers: { "Content-Type": "text/*" } },
      'header Content-Type is "application/json; charset=utf-8", expected "text/*"',
    ],
    ["a missing header", { headers: { "x-other": "*" } }, "has no header x-other"],
  ])("fails by %s", async (_, expectation, reason) => {
    const { reports } = await run(await serve(shop), { checks: [{ ...health, expect: expectation }] });
    expect(reports.health).toMatchObject({ verdict: "fail", reasons: [reason] });
  });

  it("fails a right answer that came too late, and one that does not come at all", async () => {
    const url = await serve((request, response) => {
      if (request.url === "/slow") void systemClock.sleep(60).then(() => response.end("late"));
    });
    const slow = { id: "slow", path: "/slow", expect: { maxLatency: "20ms" } };
    const silent = { id: "silent", path: "/silent", timeout: "50ms" };
    const { reports } = await run(url, { checks: [slow, silent] });
    expect(reports.slow!.reasons[0]).toMatch(/^took \d+ ms, allowed 20 ms$/);
    expect(reports.silent).toMatchObject({ verdict: "fail", reasons: ["no complete answer within 50 ms"] });
  });

  it("fails when the connection is refused: the service should be up", async () => {
    const { result, reports } = await run("http://127.0.0.1:9", { checks: [health] });
    expect(result).toMatchObject({ outcome: "failed", result: { verdict: "fail" } });
    expect(reports.health!.reasons[0]).toContain("ECONNREFUSED");
  });

  it("does not call it a failure of the service when a check could not be asked", async () => {
    const check = { id: "keyed", path: "/health", headers: { "x-key": "${variable.MISSING}" } };
    const { result, reports, junit } = await run(await serve(shop), { checks: [check] });
    expect(result).toMatchObject({
      outcome: "failed",
      result: { verdict: "unknown", failed: 0, unknown: 1 },
    });
    expect(reports.keyed).toMatchObject({
      attempts: 0,
      reasons: ["could not be built: ${variable.MISSING} has no value"],
    });
    expect(junit).toContain('errors="1"');
  });

  it("reports checks for which there was no time as unknown", async () => {
    const url = await serve(() => undefined);
    const { reports } = await run(url, {
      deadline: "80ms",
      checks: [
        { id: "hangs", path: "/" },
        { id: "after", path: "/" },
      ],
    });
    expect(reports.hangs!.verdict).toBe("unknown");
    expect(reports.after).toMatchObject({
      verdict: "unknown",
      attempts: 0,
      reasons: ["the deadline of all checks was over before it was asked"],
    });
  });

  it("tries a failing check again until it passes, and says that it did", async () => {
    let asked = 0;
    const url = await serve((_, response) => response.writeHead(++asked < 3 ? 503 : 200).end());
    const check = { id: "warm", path: "/", retry: { deadline: "10s", every: "10ms" } };
    const { result, reports } = await run(url, { checks: [check] });
    expect(result).toMatchObject({ outcome: "done", reason: "1 of 1 checks passed, after retries: warm" });
    expect(reports.warm).toMatchObject({ verdict: "pass", attempts: 3, reasons: [] });
  });

  it("gives up on a failing check at its deadline", async () => {
    const url = await serve((_, response) => response.writeHead(503).end());
    const check = { id: "broken", path: "/", retry: { deadline: "60ms", every: "10ms" } };
    const { reports } = await run(url, { checks: [check, { id: "next", path: "/" }] });
    expect(reports.broken!.verdict).toBe("fail");
    expect(reports.broken!.attempts).toBeGreaterThan(1);
    expect(reports.next!.attempts).toBe(1);
  });

  it("runs only what tags and grep choose", async () => {
    const { reports } = await run(await serve(shop), { grep: "auth", checks: [health, login, orders] });
    expect(Object.keys(reports)).toEqual(["login"]);
  });

  it("judges redirects unless it is told to follow them", async () => {
    const url = await serve((request, response) =>
      request.url === "/old" ? response.writeHead(302, { location: "/new" }).end() : response.end("new"),
    );
    const moved = { id: "moved", path: "/old", expect: { status: 302, headers: { location: "/new" } } };
    const followed = { id: "followed", path: "/old", redirect: "follow", expect: { text: "new" } };
    expect((await run(url, { checks: [moved, followed] })).result.outcome).toBe("done");
  });

  it("stops with the reason when it is aborted", async () => {
    const url = await serve(() => life.abort(new Error("stop now")));
    const world = createFakeStepWorld({ clock: systemClock, environment: { url } });
    const life = world.open(smoke.schema.parse({ checks: [health] }), null);
    await expect(smoke.act(life.context)).rejects.toThrow("stop now");
  });

  it("accepts its own example", () => {
    expect(smoke.schema.safeParse(parse(smoke.example)).error).toBeUndefined();
  });
});

describe("smoke through the staged release", () => {
  /** A target whose staged release answers at this address, only to requests with its header. */
  function targetAt(url: string) {
    const target = createFakeTarget({ routes: [{ release: "v1", percent: 100 }], warm: ["v2"] });
    const value = { release: "v2", reference: "web-v2", url, headers: { "x-pin": "v2" } };
    return Object.assign(target, { findRelease: async () => ({ state: "present" as const, value }) });
  }

  it("asks the new release by its own address and headers", async () => {
    const url = await serve((request, response, body) =>
      request.headers["x-pin"] === "v2" ? shop(request, response, body) : response.writeHead(500).end(),
    );
    const { result } = await run(
      "http://127.0.0.1:9",
      { through: "staged", checks: [health] },
      { target: targetAt(url) },
    );
    expect(result.outcome).toBe("done");
  });

  it("fails when another release answered", async () => {
    const url = await serve((_, response) => {
      response.setHeader("x-tminus-release", "v1");
      response.end('{"status":"ok"}');
    });
    const { reports } = await run(
      "http://127.0.0.1:9",
      { through: "staged", checks: [health] },
      { target: targetAt(url) },
    );
    expect(reports.health!.reasons).toEqual(["answered by release v1, not v2"]);
  });

  it("tells a release that does not run from one that could not be looked up", async () => {
    const target = createFakeTarget({ routes: [{ release: "v1", percent: 100 }] });
    const absent = await run("http://127.0.0.1:9", { through: "staged", checks: [health] }, { target });
    expect(absent.result).toMatchObject({
      outcome: "failed",
      reason: "release v2 is not running",
      result: { verdict: "fail" },
    });
    Object.assign(target, { findRelease: async () => ({ state: "unknown", reason: "no answer" }) });
    const unknown = await run("http://127.0.0.1:9", { through: "staged", checks: [health] }, { target });
    expect(unknown.result).toMatchObject({ outcome: "failed", result: { verdict: "unknown" } });
  });
});

describe("smoke as a step kind", () => {
  const stepCase = (url: string): StepCase => ({
    kind: smoke,
    with: { checks: [health, login, orders] },
    observedAfterAct: "absent",
    open() {
      const world = createFakeStepWorld({
        clock: systemClock,
        environment: { url },
        variables: { SMOKE_PASSWORD: "pass" },
      });
      const isReported = (): boolean => world.evidence.some(({ name }) => name === "checks.json");
      return { world, effects: () => (isReported() ? 1 : 0) };
    },
  });

  it("keeps the contract of step kinds", async () => {
    await driveStep(stepCase(await serve(shop)));
  });

  it("reports after an interruption at any of its calls", async () => {
    const report = await driveInterrupted(stepCase(await serve(shop)));
    expect(report).toMatchObject({ act: 4, parked: 0 });
  });
});

describe("smoke's forecast", () => {
  it("names the checks that will run, and what their writing leaves behind", () => {
    const world = createFakeStepWorld({ environment: { url: "http://shop.example" } });
    const settings = smoke.schema.parse({ tags: ["P0"], checks: [health, login, orders] });
    expect(smoke.plan(world.planInput(settings, null))).toMatchObject({
      summary: ["asks http://shop.example: health, login (1 not chosen)"],
      timeoutMs: 90_000,
      undo: { how: "none-needed", text: "only asks; what login wrote stays in the application" },
    });
  });
});
