import { describe, expect, it } from "vitest";
import { keepLease, LEASE_EXPIRY_MS } from "../../src/engine/lease.ts";
import type { EnginePorts } from "../../src/engine/ports.ts";
import type { Clock } from "../../src/lib/clock.ts";
import type { Journal } from "../../src/model/journal.ts";
import { eventually } from "../support/processes.ts";

/** A clock whose sleeps end in the next turn of the event loop, having moved it by what was slept. */
function fastClock(): Clock {
  let nowMs = 0;
  return {
    now: () => new Date(nowMs),
    monotonicMs: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        setImmediate(() => {
          if (signal?.aborted) return reject(signal.reason as Error);
          nowMs += ms;
          resolve();
        });
      }),
  };
}

function keep(heartbeat: Journal["heartbeat"]) {
  const clock = fastClock();
  const ports = { clock, log: () => undefined, journal: { heartbeat } } as unknown as EnginePorts;
  return { clock, ...keepLease({ runId: "r1", token: 1 }, ports) };
}

describe("keepLease", () => {
  it("is lost at once when a newer execution has the run", async () => {
    let beats = 0;
    const lease = keep(async () => ++beats < 3);
    await eventually("it is lost", () => lease.lost.aborted);
    expect([beats, lease.lost.reason]).toEqual([3, expect.objectContaining({ code: "LEASE_LOST" })]);
    await lease.close();
  });

  it.each<[string, Journal["heartbeat"]]>([
    ["fails", () => Promise.reject(new Error("away"))],
    ["hangs", () => new Promise(() => undefined)],
  ])("gives up when every heartbeat %s before its worker counts as dead", async (_, heartbeat) => {
    const lease = keep(heartbeat);
    await eventually("it gives up", () => lease.lost.aborted);
    expect(lease.lost.reason).toMatchObject({ code: "STATE_UNAVAILABLE" });
    expect(lease.clock.monotonicMs()).toBeLessThanOrEqual(LEASE_EXPIRY_MS);
    await lease.close();
  });

  it("survives single heartbeats that fail, and is not lost by being closed", async () => {
    let beats = 0;
    const lease = keep(async () => {
      if (++beats % 5 !== 0) throw new Error("away");
      return true;
    });
    await eventually("many were sent", () => beats > 50);
    await lease.close();
    expect(lease.lost.aborted).toBe(false);
  });
});
