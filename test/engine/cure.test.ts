import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { executeRun } from "../../src/engine/execute-run.ts";
import type { ProbeAnswer } from "../../src/engine/ports.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { Plan } from "../../src/model/plan.ts";
import type { NotificationMessage } from "../../src/model/ports.ts";
import type { Given, SeriesAnswer, SeriesQuestion, SignalSource } from "../../src/model/signal-source.ts";
import { listEvents } from "../../src/store/runs.ts";
import { EngineWorld, scriptedStep } from "../support/engine.ts";
import { freshState, type TestState } from "../support/state.ts";

let state: TestState;
let world: EngineWorld;
let asked: SeriesQuestion[];
let paged: NotificationMessage[];

beforeAll(async () => {
  state = await freshState();
});
afterAll(() => state.drop());
beforeEach(() => {
  world = new EngineWorld(state);
  asked = [];
  paged = [];
  world.channels.ops = { id: "ops", kind: "memory", send: async (message) => void paged.push(message) };
  world.scripts.b = { act: () => "failed", observe: () => "absent" };
});
afterEach(() => world.close());

/** Gives these answers, one after the other, and the last one for ever. */
function source(
  answers: readonly SeriesAnswer[],
  { traits, given = { form: "counts", perRelease: true } }: { traits?: object; given?: Given | null } = {},
): SignalSource {
  const left = [...answers];
  return {
    name: "edge",
    kind: "test",
    traits: { lagMs: 0, floorMs: 0, history: "counter", ...traits },
    gives: ({ kind }) => (kind === "error_rate" ? (given ?? undefined) : undefined),
    check: async () => ({ verdict: "pass", reason: "" }),
    query: async (question) => {
      asked.push(question);
      return left.length > 1 ? left.shift()! : left[0]!;
    },
  };
}

const counter = (bad: number, total: number): SeriesAnswer => ({ state: "counter", atMs: 0, bad, total });
const GOOD: ProbeAnswer = { state: "answered", status: 200, release: undefined };

type Seen = { outcome: string | undefined; cure: JsonObject };

interface RollbackOptions {
  cureMs?: number;
  change?: Partial<Plan["rollback"]>;
  /** What a person says when they are asked. */
  as?: "done" | "failed";
}

/** A run whose step b fails after step a was done, rolled back and looked at. */
async function rolledBack(
  answer: ProbeAnswer = GOOD,
  { cureMs = 0, change, as }: RollbackOptions = {},
): Promise<Seen> {
  const rollback = { automatic: true, database: "keep", cureMs, ...change } as const;
  const id = await world.start([[scriptedStep("a"), scriptedStep("b")]], { rollback });
  world.patienceMs = 0;
  const ports = { ...world.ports(), probe: async () => answer };
  const executing = executeRun(id, ports, new AbortController().signal);
  if (as === undefined) await executing;
  else await answered(id, executing, as);
  await world.unlock();
  return { outcome: (await world.run(id)).outcome, cure: (await curesOf(id)).at(-1)! };
}

async function curesOf(id: string): Promise<JsonObject[]> {
  return (await listEvents(state.pool, id, 0))
    .filter(({ type }) => type === "run.cure")
    .map(({ data }) => data);
}

/** Answers the question about the cure, when there is one before the run ends. */
async function answered(id: string, executing: Promise<void>, as: "done" | "failed"): Promise<void> {
  const subject = async () => {
    const run = await world.run(id);
    return run.waitingFor?.stepId ?? run.state;
  };
  await expect.poll(subject, { timeout: 10_000 }).toMatch(/^(cure|ended)$/);
  if ((await subject()) === "cure")
    await world.send(id, { kind: "resolve", stepId: "cure", as, note: "I looked" });
  await executing;
}

describe("after a rollback the service", () => {
  it("is cured when probes are good and few requests fail since, whatever failed before", async () => {
    world.sources.edge = source([counter(900, 1000), counter(905, 2000)]);
    expect(await rolledBack()).toMatchObject({
      outcome: "rolled-back",
      cure: {
        verdict: "pass",
        reason: "1 probes answered well; edge: 5 of 1,000 requests failed (0.5 %), not above 1 %",
        evidence: { probes: { probes: 1, failed: 0 }, sources: [{ requests: 1000, errors: 5 }] },
      },
    });
    expect(paged).toEqual([]);
    expect(asked.map(({ release }) => release)).toEqual(["v1", "v1"]);
  });

  it("is judged by its probes alone where no source counts failed requests in time", async () => {
    world.sources.none = source([counter(0, 0)], { given: null });
    world.sources.values = source([counter(0, 0)], { given: { form: "values", perRelease: false } });
    world.sources.slow = source([counter(0, 0)], { traits: { floorMs: 3_600_000 } });
    world.sources.late = source([counter(0, 0)], { traits: { lagMs: 3_600_000 } });
    const { outcome, cure } = await rolledBack();
    expect([outcome, asked]).toEqual(["rolled-back", []]);
    expect(cure.reason).toBe("1 probes answered well; no source counts failed requests");
  });

  it.each([
    [
      1,
      53,
      "unknown",
      "edge: 1 of 53 requests failed (1.89 %), which may stand for 0.0967 % to 8.64 %: too few to tell whether it is above 1 %",
    ],
    [0, 0, "unknown", "edge: 0 of 0 requests failed, of at least 1 to tell"],
    [
      0,
      98,
      "unknown",
      "edge: 0 of 98 requests failed (0 %), which may stand for 0 % to 3.01 %: too few to tell whether it is above 1 %",
    ],
    [
      2,
      100,
      "unknown",
      "edge: 2 of 100 requests failed (2 %), which may stand for 0.357 % to 6.16 %: too few to tell whether it is above 1 %",
    ],
    [0, 99, "pass", "edge: 0 of 99 requests failed (0 %), not above 1 %"],
    [0, 299, "pass", "edge: 0 of 299 requests failed (0 %), proven to be below 1 %"],
    [4, 100, "fail", "edge: 4 of 100 requests failed (4 %), at least 1.38 % where 1 % is normal"],
  ] as const)("of which %i of %i requests fail is %s", async (bad, total, verdict, words) => {
    world.sources.edge = source([counter(0, 0), counter(bad, total)]);
    const { cure } = await rolledBack(GOOD, { as: "failed" });
    expect(cure.verdict).toBe(verdict);
    expect(cure.reason).toContain(words);
  });

  it("is measured by a counter that began anew from 0", async () => {
    for (const [bad, verdict] of [
      [0, "pass"],
      [4, "fail"],
    ] as const) {
      world.sources.edge = source([counter(400, 500), counter(bad, 100)]);
      expect((await rolledBack()).cure.verdict).toBe(verdict);
    }
  });

  it("is held against what the runbook says is normal, with as many requests as it says are enough", async () => {
    const change = { cureMaxErrorPercent: 5, cureMinRequests: 0 };
    for (const [bad, total, verdict, words] of [
      [4, 100, "pass", "edge: 4 of 100 requests failed (4 %), not above 5 %"],
      [0, 0, "pass", "edge: 0 of 0 requests failed, and none is asked for"],
      [1, 10, "unknown", "edge: 1 of 10 requests failed (10 %), which may stand for 0.512 % to 39.4 %"],
    ] as const) {
      world.sources.edge = source([counter(0, 0), counter(bad, total)]);
      const { cure } = await rolledBack(GOOD, { as: "failed", change });
      expect(cure.verdict).toBe(verdict);
      expect(cure.reason).toContain(words);
    }
    world.sources.edge = source([counter(0, 0), counter(0, 99)]);
    const { cure } = await rolledBack(GOOD, { as: "failed", change: { cureMinRequests: 100 } });
    expect(cure.reason).toContain("edge: 0 of 99 requests failed, of at least 100 to tell");
  });

  it("is judged by the source that saw enough, beside one that could not tell", async () => {
    world.sources.edge = source([counter(0, 0), counter(0, 400)]);
    world.sources.other = { ...source([counter(0, 0), counter(0, 3)]), name: "other" };
    const { outcome, cure } = await rolledBack();
    expect(outcome).toBe("rolled-back");
    expect(cure.reason).toContain("not counted, other: 0 of 3 requests failed");
  });

  it("is measured over exactly the window where a source knows the past", async () => {
    const points = [
      { fromMs: 0, toMs: 10, bad: 3, total: 60 },
      { fromMs: 10, toMs: 20, bad: 1, total: 40 },
    ];
    world.sources.edge = source([{ state: "counts", points }], {
      traits: { floorMs: 300, lagMs: 100, history: "range" },
      given: { form: "counts", perRelease: false },
    });
    expect((await rolledBack(GOOD, { cureMs: 50 })).cure).toMatchObject({
      verdict: "fail",
      reason:
        "rollback did not cure it, look elsewhere: edge: 4 of 100 requests failed (4 %), at least 1.38 % where 1 % is normal",
    });
    const [before, after] = asked;
    expect(after!.fromMs).toBe(before!.toMs);
    expect(after!.toMs - after!.fromMs).toBe(300);
    expect(after!.stepMs).toBe(300);
  });

  it("is measured for each release that has traffic now, and each source by itself", async () => {
    const target = world.target.traffic();
    world.target.traffic = async () => {
      const seen = await target;
      if (seen.state !== "present") return seen;
      const routes = [
        { release: "v1", percent: 60 },
        { release: "v0", percent: 40 },
      ];
      return { state: "present", value: { ...seen.value, routes } };
    };
    world.sources.edge = source([counter(0, 0), counter(0, 0), counter(0, 100)]);
    world.sources.other = {
      ...source([counter(0, 0), counter(5, 100)], { given: { form: "counts", perRelease: false } }),
      name: "other",
    };
    const { cure } = await rolledBack();
    expect(cure.reason).toBe(
      "rollback did not cure it, look elsewhere: other: 5 of 100 requests failed (5 %), at least 1.99 % where 1 % is normal",
    );
    expect(cure.evidence).toMatchObject({
      sources: [
        { requests: 200, errors: 0 },
        { requests: 100, errors: 5 },
      ],
    });
  });

  it("is not cured when it answers, but badly", async () => {
    const { outcome, cure } = await rolledBack({ state: "answered", status: 502, release: undefined });
    expect([outcome, cure.verdict]).toEqual(["rollback-failed", "fail"]);
  });

  it("is not known to be cured when it is silent, or when a source says nothing at either moment", async () => {
    const silent: ProbeAnswer = { state: "silent", reason: "refused" };
    expect((await rolledBack(silent, { as: "failed" })).cure.verdict).toBe("unknown");
    const error: SeriesAnswer = { state: "error", reason: "401", isLasting: true };
    const nothing: SeriesAnswer = { state: "no-data", reason: "an empty series" };
    for (const [answers, reason] of [
      [[counter(0, 0), error], "401"],
      [[error, counter(900, 1000)], "401"],
      [[counter(0, 0), nothing], "an empty series"],
      [[nothing, counter(0, 100)], "an empty series"],
    ] as const) {
      world.sources.edge = source(answers);
      expect(await rolledBack(GOOD, { as: "failed" })).toMatchObject({
        outcome: "rollback-failed",
        cure: {
          verdict: "unknown",
          reason: `it is not known whether the rollback cured it: edge could not measure it: ${reason}; tom: I looked`,
        },
      });
    }
  });

  it("is asked about once more when a source does not answer just then", async () => {
    const away: SeriesAnswer = { state: "error", reason: "refused", isLasting: false };
    world.sources.edge = source([away, counter(0, 0), away, counter(0, 100)]);
    expect((await rolledBack()).cure.verdict).toBe("pass");
  });
});

describe("whether it is cured, when nobody can tell,", () => {
  const little = (): SignalSource => source([counter(0, 0), counter(1, 53)]);

  it("is a person's to say, who is paged with the numbers; it stays unknown in the record", async () => {
    world.sources.edge = little();
    const { outcome, cure } = await rolledBack(GOOD, { as: "done" });
    expect(outcome).toBe("rolled-back");
    expect(cure).toMatchObject({ verdict: "unknown", acceptedBy: "tom" });
    expect(cure.reason).toMatch(
      /^it is not known whether the rollback cured it: edge: 1 of 53 requests failed .*; taken as cured by tom: I looked$/,
    );
    expect(paged.map(({ title }) => title)).toEqual([
      "It is not known whether the rollback of v2 from production helped: decide",
    ]);
    expect(paged[0]!.text).toContain("edge: 1 of 53 requests failed");
  });

  it("is measured once more when they say so", async () => {
    world.sources.edge = source([counter(0, 0), counter(1, 53), counter(1, 53), counter(1, 453)]);
    const id = await world.start([[scriptedStep("a"), scriptedStep("b")]]);
    const executing = world.execute(id);
    await world.untilWaiting(id);
    await world.send(id, { kind: "resolve", stepId: "cure", as: "retry", note: "" });
    expect((await executing).outcome).toBe("rolled-back");
    expect((await curesOf(id)).map(({ verdict }) => verdict)).toEqual(["unknown", "pass"]);
  });

  it("is asked of the same person who stopped the run, and again by the worker that takes the run over", async () => {
    world.sources.edge = little();
    world.scripts.b!.act = (signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
    const id = await world.start([[scriptedStep("a"), scriptedStep("b")]]);
    const stop = new AbortController();
    const dying = world.execute(id, stop.signal).catch((error: unknown) => error);
    await expect.poll(() => world.eventTypes(id)).toContain("step.done");
    await world.send(id, { kind: "rollback", note: "enough" });
    await world.untilWaiting(id);
    stop.abort(new Error("the worker shuts down"));
    await dying;
    world.sources.edge = little();
    const executing = world.execute(id);
    await world.send(id, { kind: "resolve", stepId: "cure", as: "done", note: "" });
    expect((await executing).outcome).toBe("rolled-back");
    expect((await curesOf(id)).at(-1)).toMatchObject({ acceptedBy: "tom" });
  });
});

describe("what failed", () => {
  it("has to be over by the word of the step itself, which is asked what it returned then", async () => {
    const answers: { seen: unknown; proof?: string }[] = [];
    world.scripts.b = {
      ...world.scripts.b,
      result: { failedRule: { text: "errors: when error_rate > 1% -> rollback", source: "edge" } },
      cured: async ({ evidence, stepId }, failure) => {
        answers.push({ seen: { stepId, ...failure }, proof: await evidence("after.json", "still 8 %") });
        return { verdict: "fail", reason: "error_rate is still 8 %", evidence: { value: 8 } };
      },
    };
    const { outcome, cure } = await rolledBack(GOOD, { cureMs: 20 });
    expect(answers[0]!.seen).toMatchObject({
      stepId: "b",
      result: { failedRule: { source: "edge" } },
      windowMs: 20,
      serving: ["v1"],
    });
    expect(outcome).toBe("rollback-failed");
    expect(cure).toMatchObject({
      reason: "rollback did not cure it, look elsewhere: error_rate is still 8 %",
      evidence: { step: { value: 8 } },
      proofs: { "after.json": answers[0]!.proof },
    });
  });

  it("is not known to be over when the step could not find out", async () => {
    world.scripts.b = {
      ...world.scripts.b,
      cured: async () => {
        throw new Error("no answer from prometheus");
      },
    };
    expect((await rolledBack(GOOD, { as: "failed" })).cure).toMatchObject({
      verdict: "unknown",
      reason:
        "it is not known whether the rollback cured it: b could not tell: no answer from prometheus; tom: I looked",
    });
  });

  it("is over when the step says so, and is not asked about when a person had the run rolled back", async () => {
    let times = 0;
    world.scripts.b = {
      ...world.scripts.b,
      cured: async () => {
        times++;
        return { verdict: "pass", reason: "error_rate is 0.1 %" };
      },
    };
    expect(await rolledBack()).toMatchObject({
      outcome: "rolled-back",
      cure: { reason: "1 probes answered well; error_rate is 0.1 %; no source counts failed requests" },
    });
    world.scripts.b.act = (signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
    const id = await world.start([[scriptedStep("a"), scriptedStep("b")]]);
    const executing = world.execute(id);
    await expect.poll(() => world.eventTypes(id)).toContain("step.done");
    await world.send(id, { kind: "rollback", note: "enough" });
    expect((await executing).outcome).toBe("rolled-back");
    expect(times).toBe(1);
  });
});

describe("a rollback that did not bring the service back", () => {
  it("pages people with what is wrong, once, also when the worker dies before the run ends", async () => {
    world.sources.edge = source([counter(0, 0), counter(8, 100), counter(8, 100), counter(16, 200)]);
    const id = await world.start([[scriptedStep("a"), scriptedStep("b")]]);
    const ports = world.ports();
    const endRun = (): Promise<void> => Promise.reject(new Error("the worker died"));
    const dying = { ...ports, journal: { ...ports.journal, endRun } };
    await expect(executeRun(id, dying, new AbortController().signal)).rejects.toThrow("died");
    const run = await world.execute(id);
    expect(run.outcome).toBe("rollback-failed");
    expect(paged).toEqual([
      {
        key: `${id}/#run/page/rollback-failed:ops`,
        title: "The rollback of v2 from production did not bring the service back",
        text: `rolled back because: act said failed
rollback did not cure it, look elsewhere: edge: 8 of 100 requests failed (8 %), at least 4.04 % where 1 % is normal
look at it: tminus show ${id}`,
        facts: { run: id, release: "v2", environment: "production", url: "http://127.0.0.1:1/" },
      },
    ]);
  });
});
