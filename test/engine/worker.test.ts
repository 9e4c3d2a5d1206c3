import { describe, expect, it } from "vitest";
import type { DurableEngine } from "../../src/engine/durable/port.ts";
import type { EnginePorts } from "../../src/engine/ports.ts";
import { work, type WorkerPeers } from "../../src/engine/worker.ts";
import { TminusError } from "../../src/errors.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { Journal } from "../../src/model/journal.ts";
import type { Lease, Run } from "../../src/model/run.ts";
import { eventually } from "../support/processes.ts";

/** A durable engine that only writes down what it is told, and peers and a journal that a test scripts. */
function fakeWorld(change: { journal?: Partial<Journal>; peers?: Partial<WorkerPeers> } = {}) {
  const calls: string[] = [];
  const unended = new Set<string>();
  const log: string[] = [];
  let execute: (id: string) => Promise<void> = async () => undefined;
  const engine: DurableEngine = {
    launch: async (callback) => {
      execute = callback;
      calls.push("launch");
    },
    start: async (id) => void calls.push(`start ${id}`),
    recover: async (worker) => {
      calls.push(`recover ${worker}`);
      return ["r1"];
    },
    close: async () => void calls.push("close"),
  };
  const peers: WorkerPeers = {
    reapDead: async () => undefined,
    findSilent: async () => [],
    leave: async () => void calls.push("leave"),
    join: async () => void calls.push("join"),
    ...change.peers,
  };
  const journal = {
    unendedRuns: async () => [...unended],
    onRun: () => () => undefined,
    ...change.journal,
  } as Journal;
  const ports = {
    journal,
    clock: systemClock,
    workerId: "me",
    log: (line: string) => log.push(line),
  } as unknown as EnginePorts;
  const stop = new AbortController();
  return {
    calls,
    unended,
    log,
    stop,
    execute: (id: string) => execute(id),
    work: (idleMs = 0) => work({ engine, peers, ports, stop: stop.signal, idleMs }),
  };
}

describe("work", () => {
  it("hands each run that has not ended to the engine once", async () => {
    const world = fakeWorld();
    world.unended.add("r1").add("r2");
    const working = world.work();
    await eventually("both were started", () => world.calls.includes("start r2"));
    world.unended.add("r3");
    await eventually("the new one was started", () => world.calls.includes("start r3"));
    world.stop.abort();
    expect(await working).toBe("stopped");
    expect(world.calls).toEqual(["launch", "start r1", "start r2", "start r3"]);
  });

  it("tries again to start a run that the engine could not take", async () => {
    let tries = 0;
    const world = fakeWorld({
      journal: {
        unendedRuns: async () => {
          if (tries++ < 2) throw new TminusError("STATE_UNAVAILABLE", "away");
          return ["r1"];
        },
      },
    });
    const working = world.work();
    await eventually("it was started", () => world.calls.includes("start r1"));
    world.stop.abort();
    await working;
    expect(world.log).toEqual(["looking for work: away"]);
  });

  it("starts new runs although its peers cannot be looked at", async () => {
    const world = fakeWorld({
      peers: {
        reapDead: async () => {
          throw new Error("connection lost");
        },
      },
    });
    world.unended.add("r1");
    const working = world.work();
    await eventually("it was started", () => world.calls.includes("start r1"));
    world.stop.abort();
    await working;
  });

  it("takes over what dead and silent workers were executing", async () => {
    let looks = 0;
    const world = fakeWorld({
      peers: {
        reapDead: async (takeOver) => (looks++ === 0 ? takeOver("dead") : undefined),
        findSilent: async () => (looks === 1 ? ["silent"] : []),
      },
    });
    const working = world.work();
    await eventually("both were recovered", () => world.calls.includes("recover silent"));
    world.stop.abort();
    await working;
    expect(world.calls).toEqual(["launch", "recover dead", "recover silent"]);
    expect(world.log).toEqual(["took over r1 from dead", "took over r1 from silent"]);
  });

  it("ends when it was idle long enough, after telling everybody not to count on it", async () => {
    const world = fakeWorld();
    expect(await world.work(1)).toBe("idle");
    expect(world.calls).toEqual(["launch", "leave"]);
  });

  it("goes on when a run was created in the moment in which it left", async () => {
    const world = fakeWorld({ peers: { leave: async () => void world.unended.add("late") } });
    const working = world.work(1);
    await eventually("the run was started", () => world.calls.includes("start late"));
    expect(world.calls).toEqual(["launch", "join", "start late"]);
    world.unended.clear();
    world.stop.abort();
    await working;
  });
});

describe("an execution", () => {
  it("is tried again after a failure of the state database, and ends when the run has ended", async () => {
    let reads = 0;
    const world = fakeWorld({
      journal: {
        run: async () => {
          if (reads++ === 0) throw new TminusError("STATE_UNAVAILABLE", "away");
          return { state: "ended" } as Run;
        },
      },
    });
    const working = world.work();
    await eventually("it was launched", () => world.calls.includes("launch"));
    await world.execute("r1");
    expect(reads).toBe(2);
    world.stop.abort();
    await working;
  });

  it("is not tried again once another worker has taken the run over", async () => {
    let takes = 0;
    const world = fakeWorld({
      journal: {
        run: async () =>
          ({
            id: "r1",
            state: "running",
            environment: "production",
            plan: { project: "sample" },
          }) as unknown as Run,
        signals: async () => [],
        onSignal: () => () => undefined,
        takeLease: async () => ({ state: "taken", token: ++takes }),
        attempts: async () => {
          throw new TminusError("STATE_UNAVAILABLE", "the connection broke while the machine slept");
        },
        lease: async () => ({ runId: "r1", worker: "peer" }) as Lease,
      },
    });
    const working = world.work();
    await eventually("it was launched", () => world.calls.includes("launch"));
    await world.execute("r1");
    expect(takes).toBe(1);
    world.stop.abort();
    await working;
  });

  it("ends quietly when another worker has the run", async () => {
    const world = fakeWorld({
      journal: {
        run: async () => {
          throw new TminusError("LEASE_LOST", "taken");
        },
      },
    });
    const working = world.work();
    await eventually("it was launched", () => world.calls.includes("launch"));
    await expect(world.execute("r1")).resolves.toBeUndefined();
    world.stop.abort();
    await working;
  });

  it("never returns once the worker was told to stop: that would mark the run as executed", async () => {
    const world = fakeWorld({
      journal: {
        run: async () => {
          throw new Error("stopping");
        },
      },
    });
    const working = world.work();
    await eventually("it was launched", () => world.calls.includes("launch"));
    world.stop.abort();
    await working;
    const ended = world.execute("r1").then(() => "returned");
    expect(await Promise.race([ended, systemClock.sleep(300).then(() => "still there")])).toBe("still there");
  });
});
