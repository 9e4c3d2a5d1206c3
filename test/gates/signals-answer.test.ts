import { afterEach, beforeEach, expect, it } from "vitest";
import { signalsAnswer } from "../../src/gates/signals-answer.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { SignalSource } from "../../src/model/signal-source.ts";
import { httpSignals } from "../../src/providers/signals/http.ts";
import { openFaultServer, type FaultServer } from "../support/fault-server.ts";
import { gateContext } from "../support/gate-context.ts";
import { signalPorts } from "../support/signal-ports.ts";

let server: FaultServer;
beforeEach(async () => {
  server = await openFaultServer({
    serve: (_request, response) => void response.end('{"queue":{"length":12}}'),
    faults: {},
  });
});
afterEach(() => server.close());

/** A real source that asks a real server. */
const stats = (): SignalSource =>
  httpSignals.open(
    "stats",
    { values: { queue: { path: "/", json: "$.queue.length" } } },
    signalPorts({ url: server.url }),
  );

const check = (settings: JsonObject, sources: Record<string, SignalSource> = { stats: stats() }) =>
  signalsAnswer.check(gateContext(signalsAnswer, settings, { world: { sources } }));

it("passes when the source answers what it is asked for", async () => {
  expect(await check({ metrics: { stats: ["queue"] } })).toMatchObject({
    verdict: "pass",
    reason: "stats answer",
    evidence: [{ source: "stats", asked: ["queue"] }],
  });
});

it("fails when the source does not know the metric, refuses us, or does not exist", async () => {
  expect(await check({ metrics: { stats: ["gauge(connections)"] } })).toMatchObject({ verdict: "fail" });
  await server.behave("unauthorized");
  expect(await check({ metrics: { stats: ["queue"] } })).toMatchObject({
    verdict: "fail",
    reason: expect.stringContaining("401") as unknown,
  });
  expect(await check({ sources: ["sentry"] })).toMatchObject({
    verdict: "fail",
    reason: "sentry: there is no such source",
  });
});

it("is undecided when the source cannot be reached or takes too long", async () => {
  await server.behave("hang");
  expect(await check({ metrics: { stats: ["queue"] }, timeout: "100ms" })).toMatchObject({
    verdict: "unknown",
    reason: "stats: no answer within 100ms",
  });
  await server.behave("refused");
  expect(await check({ metrics: { stats: ["queue"] } })).toMatchObject({ verdict: "unknown" });
});

it("is undecided when nobody says what to ask for, and where there is no source", async () => {
  expect(await check({})).toMatchObject({
    verdict: "unknown",
    reason: "stats: metrics does not say what to ask it for",
  });
  expect(await check({}, {})).toMatchObject({
    verdict: "unknown",
    reason: "production has no signal source",
  });
});

it("refuses what is no metric, and says where", () => {
  const parsed = signalsAnswer.schema.safeParse({ metrics: { stats: ["error_rate > 1%"] } });
  expect(parsed.error?.issues[0]).toMatchObject({ path: ["metrics", "stats", 0] });
});
