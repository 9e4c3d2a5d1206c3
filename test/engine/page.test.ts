import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { executeRun } from "../../src/engine/execute-run.ts";
import type { EnginePorts } from "../../src/engine/ports.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Secret } from "../../src/lib/redact.ts";
import type { NotificationMessage } from "../../src/model/ports.ts";
import type { PageReport } from "../../src/model/step-kind.ts";
import { listEvents } from "../../src/store/runs.ts";
import { EngineWorld, scriptedStep } from "../support/engine.ts";
import { freshState, type TestState } from "../support/state.ts";

let state: TestState;
let world: EngineWorld;
let got: NotificationMessage[];
/** How many more tries of "ops" fail. */
let failures: number;

beforeAll(async () => {
  state = await freshState();
});
afterAll(() => state.drop());
beforeEach(() => {
  world = new EngineWorld(state);
  got = [];
  failures = 0;
  for (const id of ["ops", "team"]) {
    world.channels[id] = {
      id,
      kind: "memory",
      send: async (message) => {
        if (id === "ops" && failures-- > 0) throw new Error("ops is down, token hunter22");
        got.push(message);
      },
    };
  }
  world.redactor.add(new Secret("hunter22", "env:TOKEN"));
});
afterEach(() => world.close());

const MESSAGE = { title: "errors are up", text: "8 % of requests fail; hunter22" };
const PAUSES = [500, 2_000, 8_000];

/** The pauses between tries take no time. */
function ports(change: Partial<EnginePorts["journal"]> = {}): EnginePorts {
  const made = world.ports();
  const clock = {
    ...systemClock,
    sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(PAUSES.includes(ms) ? 0 : ms, signal),
  };
  return { ...made, clock, journal: { ...made.journal, ...change } };
}

const execute = (id: string, with_: EnginePorts = ports()): Promise<void> =>
  executeRun(id, with_, new AbortController().signal);

async function paged(id: string): Promise<object[]> {
  return (await listEvents(state.pool, id, 0))
    .filter(({ type }) => type === "run.paged")
    .map(({ data }) => data);
}

function keys(): string[] {
  return got.map(({ key }) => key.replace(/^r\w+/, "run")).sort();
}

describe("a page", () => {
  it("goes through every channel of the runbook once per key, however often it is asked for", async () => {
    const reports: PageReport[] = [];
    world.scripts.a = {
      act: async (_, { page }) => {
        reports.push(...(await Promise.all([page("up", MESSAGE), page("up", MESSAGE)])));
        reports.push(await page("up", MESSAGE), await page("still-up", MESSAGE));
        return "done" as const;
      },
    };
    const id = await world.start([[scriptedStep("a")]]);
    await execute(id);
    expect(reports).toHaveLength(4);
    for (const report of reports) expect(report).toEqual({ delivered: ["ops", "team"], undelivered: [] });
    expect(keys()).toEqual([
      "run/a/page/still-up:ops",
      "run/a/page/still-up:team",
      "run/a/page/up:ops",
      "run/a/page/up:team",
    ]);
    expect(got[0]).toMatchObject({
      title: "errors are up",
      text: "8 % of requests fail; ***",
      facts: { run: id, release: "v2", environment: "production" },
    });
    expect(await paged(id)).toHaveLength(4);
  });

  it("names the channel that could not be reached, and tries only that one again", async () => {
    failures = 5;
    const reports: PageReport[] = [];
    world.scripts.a = {
      act: async (_, { page }) => {
        for (let times = 0; times < 2; times++) reports.push(await page("up", MESSAGE));
        return "done" as const;
      },
    };
    const id = await world.start([[scriptedStep("a")]]);
    await execute(id);
    const reason = "ops is down, token ***";
    expect(reports).toEqual([
      { delivered: ["team"], undelivered: [{ channel: "ops", reason }] },
      { delivered: ["ops", "team"], undelivered: [] },
    ]);
    expect(keys()).toEqual(["run/a/page/up:ops", "run/a/page/up:team"]);
    const events = await paged(id);
    expect(events).toHaveLength(3);
    expect(events).toContainEqual({ title: "errors are up", channel: "ops", delivered: false, reason });
  });

  it("is repeated under its old key when it was delivered but not recorded", async () => {
    world.scripts.a = {
      act: async (_, { page }) => {
        await page("up", MESSAGE);
        return "done" as const;
      },
    };
    const id = await world.start([[scriptedStep("a")]]);
    const { saveState } = state.journal;
    const dying = ports({
      saveState: async (execution, name, value) => {
        if (name.endsWith("/ops")) throw new Error("the worker died");
        return saveState(execution, name, value);
      },
      endAttempt: () => Promise.reject(new Error("the worker died")),
    });
    await expect(execute(id, dying)).rejects.toThrow("died");
    await execute(id);
    const sent = keys();
    expect(sent.filter((key) => key === "run/a/page/up:ops")).toHaveLength(2);
    // The other channel's record may be lost with the worker as well: then it is repeated under its old key too.
    expect(new Set(sent)).toEqual(new Set(["run/a/page/up:ops", "run/a/page/up:team"]));
  });

  it("goes out also when its step was aborted meanwhile, before the run ends", async () => {
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    world.channels.ops!.send = async (message) => {
      await held;
      got.push(message);
    };
    let seen: unknown;
    world.scripts.b = {
      observe: () => "absent",
      act: async (_, { page }) => {
        await page("up", MESSAGE).catch((error: unknown) => {
          seen = error;
          letGo();
          throw error;
        });
        return "done" as const;
      },
    };
    const id = await world.start([[scriptedStep("a"), scriptedStep("b")]]);
    const executing = execute(id);
    await expect.poll(() => got.length).toBe(1);
    await world.send(id, { kind: "abort", note: "" });
    await executing;
    expect(String(seen)).toContain("abort requested by tom");
    expect(keys()).toEqual(["run/b/page/up:ops", "run/b/page/up:team"]);
    const types = await world.eventTypes(id);
    expect(types.filter((type) => type === "run.paged")).toHaveLength(2);
    expect(types.at(-1)).toBe("run.ended");
  });

  it("reports that nobody was told when the runbook has no channels", async () => {
    world.channels = {};
    let report: PageReport | undefined;
    world.scripts.a = {
      act: async (_, { page }) => {
        report = await page("up", MESSAGE);
        return "done" as const;
      },
    };
    await execute(await world.start([[scriptedStep("a")]]));
    expect(report).toEqual({ delivered: [], undelivered: [] });
  });
});
