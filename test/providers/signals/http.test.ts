import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import type { Metric } from "../../../src/model/metric.ts";
import type { SignalSource } from "../../../src/model/signal-source.ts";
import { httpSignals } from "../../../src/providers/signals/http.ts";
import { signalSourceScenarios } from "../../../src/testing/index.ts";
import { openFaultServer, type FaultServer } from "../../support/fault-server.ts";
import { signalPorts } from "../../support/signal-ports.ts";

const PASSWORD = "p4ssword-that-nobody-sees";
const signal = new AbortController().signal;
const range = { release: "v2+1", fromMs: 0, toMs: 10_000, stepMs: 10_000 };
const STATS = { queue: { length: 12, limit: 50, oldest: null, name: "orders" }, workers: [1, 2] };

function serve(requests: IncomingMessage[] = [], stats: object = STATS): Promise<FaultServer> {
  return openFaultServer({
    serve: (request, response) => {
      requests.push(request);
      response.end(JSON.stringify(stats));
    },
    faults: {
      empty: (_request, response) => response.end("{}"),
      "not-a-number": (_request, response) => response.end('{"queue":{"length":null,"limit":50}}'),
    },
  });
}

async function withSource(
  values: object,
  work: (source: SignalSource, requests: IncomingMessage[]) => Promise<void>,
  stats: object = STATS,
): Promise<void> {
  const requests: IncomingMessage[] = [];
  const server = await serve(requests, stats);
  try {
    await work(httpSignals.open("stats", { values }, signalPorts({ url: server.url })), requests);
  } finally {
    await server.close();
  }
}

const it1 = { kind: "query", name: "it" } as const;

describe("an http source", () => {
  const scenarios = signalSourceScenarios({
    cannot: { stale: "an answer is of now" },
    async open() {
      const server = await serve();
      const settings = {
        url: server.url,
        basic: { user: "me", password: "env:PASSWORD" },
        timeout: "300ms",
        values: { queue: { json: "$.queue.length", max: "$.queue.limit" } },
      };
      return {
        source: httpSignals.open("stats", settings, signalPorts({ secrets: { "env:PASSWORD": PASSWORD } })),
        questions: [
          { metric: { kind: "gauge", name: "queue" }, ...range },
          { metric: { kind: "query", name: "queue" }, ...range },
        ],
        foreign: [{ kind: "error_rate" }, { kind: "count", name: "queue" }, { kind: "gauge", name: "other" }],
        behave: (fault) => server.behave(fault),
        secrets: [PASSWORD, Buffer.from(`me:${PASSWORD}`).toString("base64")],
        close: () => server.close(),
      };
    },
  });
  for (const { title, run } of scenarios) it(title, run);
});

describe("a number in an answer", () => {
  it("is what a JSONPath selects, with its greatest, at the path of the release", async () => {
    const values = { it: { path: "/stats/{release}", json: "$.queue.length", max: "$.queue.limit" } };
    await withSource(values, async (source, requests) => {
      expect(await source.query({ metric: it1, ...range }, signal)).toEqual({
        state: "values",
        points: [{ atMs: expect.any(Number) as number, value: 12, max: 50 }],
      });
      expect(requests.map(({ url }) => url)).toEqual(["/stats/v2%2B1"]);
      expect(source.gives(it1)).toEqual({ form: "values", perRelease: true });
    });
  });

  const answers: [json: string, answer: object, verdict: string][] = [
    ["$.queue.oldest", { state: "no-data", reason: "$.queue.oldest is no number", raw: "null" }, "pass"],
    ["$.queue.name", { state: "no-data", reason: "$.queue.name is no number", raw: '"orders"' }, "pass"],
    ["$.queue.lenght", { state: "no-data", reason: "there is no $.queue.lenght" }, "fail"],
    [
      "$.workers[*]",
      { state: "error", reason: "$.workers[*] selects 2 values instead of one", isLasting: true },
      "fail",
    ],
  ];
  it.each(answers)("is not made up of %s", async (json, answer, verdict) => {
    await withSource({ it: { json } }, async (source) => {
      expect(await source.query({ metric: it1, ...range }, signal)).toEqual(answer);
      const reason = `it: ${"reason" in answer ? String(answer.reason) : ""}`;
      expect(await source.check([it1], "v2", signal)).toEqual({ verdict, reason });
    });
  });

  it("is nothing when its greatest is none", async () => {
    await withSource({ it: { json: "$.queue.length", max: "$.queue.oldest" } }, async (source) => {
      expect(await source.query({ metric: it1, ...range }, signal)).toMatchObject({ state: "no-data" });
    });
  });
});

describe("the time that an answer takes", () => {
  const values = { it: { path: "/home", time: true } };

  it("is a value in milliseconds, over a connection of its own", async () => {
    await withSource(values, async (source, requests) => {
      const metric: Metric = { kind: "gauge", name: "it" };
      for (const _time of [1, 2])
        expect(await source.query({ metric, ...range }, signal)).toMatchObject({
          state: "values",
          points: [{ value: expect.any(Number) as number }],
        });
      expect(new Set(requests.map(({ socket }) => socket)).size).toBe(2);
    });
  });

  it("is not that of a refusal", async () => {
    const server = await serve();
    await server.behave("broken");
    const source = httpSignals.open("stats", { url: server.url, values }, signalPorts());
    expect(await source.query({ metric: it1, ...range }, signal)).toMatchObject({
      state: "error",
      reason: expect.stringMatching(/^stats \(http\) answered 500/) as string,
    });
    await server.close();
  });
});

it.each([
  ["no value", {}, "is empty"],
  ["a path that is none", { it: { json: "queue" } }, /^is not a JSONPath that can be used/],
  ["neither a JSONPath nor a time", { it: { path: "/" } }, "Invalid input"],
])("refuses %s", (_what, values, message) => {
  const issues = httpSignals.schema.safeParse({ values }).error?.issues;
  expect(issues?.[0]?.message).toMatch(message);
});
