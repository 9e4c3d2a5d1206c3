import { describe, expect, it } from "vitest";
import { checkCure } from "../../src/engine/cure.ts";
import type { RunExecution } from "../../src/engine/execution.ts";
import type { ProbeAnswer } from "../../src/engine/ports.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { Reading } from "../../src/model/ports.ts";
import type { Verdict } from "../../src/model/verdict.ts";

const GOOD: ProbeAnswer = { state: "answered", status: 200, release: undefined };

/** The cure check over one look, with these two readings of one source. */
async function cureOf(answer: ProbeAnswer, ...readings: Reading[]): Promise<Verdict> {
  const source = { name: "edge", read: async () => readings.shift()! };
  return checkCure({
    run: { plan: { rollback: { cureMs: 0 } } },
    environment: { view: { url: "" }, signals: readings.length === 0 ? {} : { edge: source } },
    ports: { clock: systemClock, probe: async () => answer },
    lost: new AbortController().signal,
  } as unknown as RunExecution);
}

function counters(requests: number, errors: number, release = "v1"): Reading {
  return { state: "counters", at: new Date(0), releases: { [release]: { requests, errors, latency: [] } } };
}
const ERROR: Reading = { state: "error", at: new Date(0), reason: "connection refused" };

describe("checkCure", () => {
  it("passes on good probes and few errors since the rollback, whatever failed before it", async () => {
    expect(await cureOf(GOOD, counters(1000, 900), counters(2000, 905))).toMatchObject({
      verdict: "pass",
      evidence: { requests: 1000, errors: 5 },
    });
    expect((await cureOf(GOOD)).verdict).toBe("pass");
  });

  it("fails when one request in a hundred still fails; a counter that started again counts from 0", async () => {
    expect((await cureOf(GOOD, counters(0, 0), counters(100, 1))).verdict).toBe("fail");
    expect((await cureOf(GOOD, counters(500, 400), counters(100, 0))).verdict).toBe("pass");
    expect((await cureOf(GOOD, counters(500, 400), counters(100, 1))).verdict).toBe("fail");
  });

  it("fails when the service answers, but badly", async () => {
    expect((await cureOf({ state: "answered", status: 502, release: undefined })).verdict).toBe("fail");
  });

  it("does not know when the service is silent, or when its numbers could not be read at either moment", async () => {
    expect((await cureOf({ state: "silent", reason: "refused" })).verdict).toBe("unknown");
    for (const readings of [
      [counters(0, 0), ERROR],
      [ERROR, counters(1000, 900)],
    ])
      expect(await cureOf(GOOD, ...readings)).toMatchObject({
        verdict: "unknown",
        reason: "it could not be measured: connection refused",
      });
  });
});
