import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { eachBatch } from "../../../src/postgres/backfill/batches.ts";
import {
  commitLimit,
  openCommitProbe,
  type CommitCount,
} from "../../../src/postgres/backfill/commit-probe.ts";
import { ensureCheckpoints } from "../../../src/postgres/backfill/checkpoint.ts";
import { CALM } from "../../../src/postgres/backfill/health.ts";
import { nextDuty, restMs } from "../../../src/postgres/backfill/pacing.ts";
import { openMeter } from "../../../src/postgres/backfill/progress.ts";
import { resolveBackfill } from "../../../src/postgres/backfill/resolve.ts";
import { limitsOf } from "../../../src/postgres/backfill/worker.ts";
import { openSession, type Session } from "../../../src/postgres/session/connect.ts";
import { openWorld, settingsOf, type BackfillWorld } from "./world.ts";

const limits = limitsOf(settingsOf({ minSpeedPercent: 20 }));
const sessionOf = (world: BackfillWorld): Promise<Session> =>
  openSession({ connectionString: world.url, purpose: "test", statementTimeoutMs: 10_000 });

describe("the share of the time in which batches work", () => {
  it("is in balance when one commit in a hundred is slow", () => {
    expect(nextDuty(0.5, { all: 100, slow: 1 }, limits)).toBeCloseTo(0.5);
    expect(nextDuty(0.5, { all: 100, slow: 2 }, limits)).toBeLessThan(0.45);
    expect(nextDuty(0.5, { all: 100, slow: 0 }, limits)).toBeGreaterThan(0.55);
  });

  it("stays between the least that the settings allow and all of it", () => {
    expect(nextDuty(0.25, { all: 9, slow: 9 }, limits)).toBe(0.2);
    expect(nextDuty(0.9, { all: 500, slow: 0 }, limits)).toBe(1);
  });

  it("is kept by resting after the work", () => {
    expect(restMs({ pages: 1, pauseMs: 0, duty: 1 }, 30)).toBe(0);
    expect(restMs({ pages: 1, pauseMs: 10, duty: 0.25 }, 30)).toBe(100);
    // The server ends a session after sixty idle seconds.
    expect(restMs({ pages: 1, pauseMs: 10, duty: 0.01 }, 5_000)).toBe(30_000);
  });
});

describe("the probe of commits", () => {
  it("calls a commit slow by what commits took before, but not for the noise of the machine", () => {
    const calm = Array.from({ length: 40 }, (_, index) => (index < 36 ? 6 : 10));
    expect(commitLimit(calm)).toBe(30);
    expect(commitLimit([0.1, 0.2])).toBe(5);
  });

  it("has to wait for the disk like a writer, and writes no row version", async () => {
    await using world = await openWorld(1);
    await using session = await sessionOf(world);
    await ensureCheckpoints(session);
    await session.query("set synchronous_commit = on");
    const where = "select ctid::text, xmin::text from tminus.backfill_probe";
    const before = await world.query(where);
    const probe = await openCommitProbe(session, systemClock);
    const [inserted] = await world.query<{ lsn: string }>("select pg_current_wal_insert_lsn()::text as lsn");
    await probe.probe();
    expect(await world.query(`select pg_current_wal_flush_lsn() > '${inserted!.lsn}' as flushed`)).toEqual([
      { flushed: true },
    ]);
    expect(await world.query(where)).toEqual(before);
    expect(probe.take().all).toBe(1);
    expect(probe.take()).toEqual({ all: 0, slow: 0 });
  });
});

describe("eachBatch", () => {
  /** How long it rests, as the clock is told; nobody waits. */
  const restsOf = async (commits: CommitCount): Promise<number> => {
    await using world = await openWorld(2_000);
    await using session = await sessionOf(world);
    await ensureCheckpoints(session);
    const settings = settingsOf({ batchPages: 1, minSpeedPercent: 20 });
    const resolved = await resolveBackfill(session, settings);
    if (!("backfill" in resolved)) throw new Error("not resolved");
    const { backfill } = resolved;
    let rested = 0;
    const clock = { ...systemClock, sleep: async (ms: number) => void (rested += ms) };
    await eachBatch(
      {
        backfill,
        options: world.options({ clock }),
        session,
        meter: openMeter("users"),
        limits: limitsOf(settings),
        pace: { pages: 1, pauseMs: 0, duty: 1 },
        health: {
          latest: () => CALM,
          takeCommits: () => commits,
          vacuumed: () => undefined,
          [Symbol.asyncDispose]: async () => undefined,
        },
      },
      {
        leaves: backfill.leaves,
        leaf: 0,
        page: 0,
        isPaused: async () => false,
        async work() {
          await session.query("select pg_sleep(0.002)");
          return 1;
        },
      },
    );
    return rested;
  };

  it("rests while commits are slow, and not while they are quick", async () => {
    expect(await restsOf({ all: 1, slow: 1 })).toBeGreaterThan(4);
    expect(await restsOf({ all: 1, slow: 0 })).toBe(0);
  });
});
