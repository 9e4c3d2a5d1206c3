import assert from "node:assert/strict";
import type { Json, JsonObject } from "../model/json.ts";
import type { Observation, StepForecast, StepKind, StepResult } from "../model/step-kind.ts";
import type { FakeStepWorld, Tap } from "./fake-step-context.ts";

/** A step kind with settings and a world in which it can be tried out. */
export interface StepCase {
  kind: StepKind;
  /** The settings as a runbook would give them; the kind's schema fills in the defaults. */
  with: JsonObject;
  /** Builds the outside anew; called once for every scenario. */
  open(): Promise<StepCaseWorld> | StepCaseWorld;
  /**
   * What observe says once act is through. "done" (the default) when the effect can be looked up, "absent"
   * when it does no harm to act again, "unknown" when nobody can tell and the run would park.
   */
  observedAfterAct?: Observation["state"];
}

export interface StepCaseWorld {
  world: FakeStepWorld;
  /** How often the effect is there, as the outside sees it: 1 after act, 0 after undo. */
  effects: () => PromiseLike<number> | number;
  close?: () => PromiseLike<void> | void;
}

/** How many places a step was interrupted at, and how many of those ended with a question to a person. */
export interface InterruptedReport {
  act: number;
  undo: number;
  parked: number;
}

/**
 * observe → act → observe → verify, then, when the forecast promises an undo, undo twice → observe → act →
 * verify. Throws an AssertionError that says at which point the kind did not keep its contract.
 */
export async function driveStep(stepCase: StepCase): Promise<void> {
  await withTrial(stepCase, async (trial) => {
    assert.equal(await trial.effects(), 0, "the world has the effect before act");
    assert.notEqual((await trial.observe()).state, "done", "observe says done before act");
    let result = await trial.actAndVerify("act");
    if (trial.forecast.undo.how !== "undo") return;
    for (const time of ["undo", "undo again"]) {
      assertDone(await trial.undo(result), time);
      assert.equal(await trial.effects(), 0, `${time} left the effect`);
    }
    assert.notEqual((await trial.observe()).state, "done", "observe says done after undo");
    result = await trial.actAndVerify("act after undo");
    assertDone(await trial.undo(result), "undo after the second act");
    assert.equal(await trial.effects(), 0, "the second undo left the effect");
  });
}

/**
 * Interrupts act before and after every call it makes to its context (state, evidence, target, channels), and
 * then once recovers as the engine does and once rolls back; interrupts undo in the same way and repeats it.
 * The effect must be there exactly once after a recovery, and not at all after a rollback.
 */
export async function driveInterrupted(stepCase: StepCase): Promise<InterruptedReport> {
  const report: InterruptedReport = { act: 0, undo: 0, parked: 0 };
  report.act = await eachInterruption(stepCase, actOnly, async (trial, place) => {
    if ((await trial.recover(place)) === "parked") report.parked++;
    else assert.equal(await trial.effects(), 1, `effects after recovering from ${place}`);
  });
  if (!(await promisesUndo(stepCase))) return report;
  await eachInterruption(stepCase, actOnly, async (trial, place) => {
    assertDone(await trial.undo(undefined), `undo after act was interrupted at ${place}`);
    assert.equal(await trial.effects(), 0, `effects after act was interrupted at ${place} and undone`);
  });
  report.undo = await eachInterruption(stepCase, actThenUndo, async (trial, place) => {
    assertDone(await trial.undo(undefined), `undo repeated after ${place}`);
    assert.equal(await trial.effects(), 0, `effects after undo was interrupted at ${place} and repeated`);
  });
  return report;
}

interface Scenario {
  prepare(trial: Trial): Promise<JsonObject | undefined>;
  interrupt(trial: Trial, prepared: JsonObject | undefined, tap: Tap): Promise<unknown>;
}

const actOnly: Scenario = {
  prepare: async () => undefined,
  interrupt: (trial, _prepared, tap) => trial.act(tap),
};

const actThenUndo: Scenario = {
  prepare: (trial) => trial.actAndVerify("act"),
  interrupt: (trial, prepared, tap) => trial.undo(prepared, tap),
};

/** A kind that asks its context for more than this in one act is not what the harness is made for. */
const MAX_BOUNDARIES = 500;

async function eachInterruption(
  stepCase: StepCase,
  scenario: Scenario,
  after: (trial: Trial, place: string) => Promise<void>,
): Promise<number> {
  const boundaries: string[] = [];
  await withTrial(stepCase, async (trial) => {
    const prepared = await scenario.prepare(trial);
    await scenario.interrupt(trial, prepared, (boundary) => void boundaries.push(boundary));
  });
  assert.ok(boundaries.length <= MAX_BOUNDARIES, `${boundaries.length} calls are too many to interrupt each`);
  for (const [index, boundary] of boundaries.entries()) {
    await withTrial(stepCase, async (trial) => {
      const prepared = await scenario.prepare(trial);
      const tap = crashAt(index);
      // Whatever comes out of it is lost: the process that would have recorded it is dead.
      await Promise.allSettled([scenario.interrupt(trial, prepared, tap)]);
      assert.ok(tap.fired(), `${boundary} was not reached again: the kind is not deterministic`);
      await after(trial, `${boundary} (call ${index})`);
    });
  }
  return boundaries.length;
}

/** Throws at the boundary with this index and at every later one: the dead do nothing more. */
function crashAt(index: number): Tap & { fired(): boolean } {
  let seen = 0;
  const tap = (boundary: string): void => {
    if (seen++ >= index) throw new Error(`interrupted at ${boundary}`);
  };
  return Object.assign(tap, { fired: () => seen > index });
}

async function promisesUndo(stepCase: StepCase): Promise<boolean> {
  let promised = false;
  await withTrial(stepCase, async ({ forecast }) => void (promised = forecast.undo.how === "undo"));
  return promised;
}

interface Trial {
  forecast: StepForecast;
  effects: () => PromiseLike<number> | number;
  observe(): Promise<Observation>;
  act(tap?: Tap): Promise<StepResult>;
  undo(result: JsonObject | undefined, tap?: Tap): Promise<StepResult>;
  /** Acts, and checks effect, observation and verification. */
  actAndVerify(what: string): Promise<JsonObject>;
  /** What the engine does with an attempt that began and has no end. */
  recover(place: string): Promise<"done" | "parked">;
}

async function withTrial(stepCase: StepCase, work: (trial: Trial) => Promise<void>): Promise<void> {
  const opened = await stepCase.open();
  try {
    await work(await openTrial(stepCase, opened));
  } finally {
    await opened.close?.();
  }
}

async function openTrial(stepCase: StepCase, { world, effects }: StepCaseWorld): Promise<Trial> {
  const { kind, observedAfterAct = "done" } = stepCase;
  const settings = kind.schema.parse(stepCase.with);
  const facts: Json = kind.gather === undefined ? null : await kind.gather(world.planContext(settings));
  assertJson(facts, "the facts");
  const forecast = kind.plan(world.planInput(settings, facts));
  assert.deepEqual(forecast.blocked, [], "the plan is blocked");
  if (forecast.undo.how === "undo")
    assert.ok(kind.undo !== undefined, "the forecast promises an undo that does not exist");

  const verify = async (result: JsonObject, what: string): Promise<void> => {
    if (kind.verify === undefined) return;
    const { verdict, reason } = await kind.verify(world.open(settings, facts).context, result);
    assert.equal(verdict, "pass", `verify after ${what}: ${reason}`);
  };
  const trial: Trial = {
    forecast,
    effects,
    observe: () => kind.observe(world.open(settings, facts).context),
    act: (tap) => kind.act(world.open(settings, facts, tap).context),
    undo: (result, tap) => {
      assert.ok(kind.undo !== undefined);
      return kind.undo(world.open(settings, facts, tap).context, result);
    },
    async actAndVerify(what) {
      const result = assertDone(await trial.act(), what);
      assert.equal(await effects(), 1, `effects after ${what}`);
      const observation = await trial.observe();
      assert.equal(observation.state, observedAfterAct, `observe after ${what}: ${observation.reason}`);
      await verify(result, what);
      return result;
    },
    async recover(place) {
      const observation = await trial.observe();
      if (observation.state === "unknown") {
        assert.equal(observedAfterAct, "unknown", `observe after ${place}: ${observation.reason}`);
        return "parked";
      }
      const result =
        observation.state === "done"
          ? observation.result
          : assertDone(await trial.act(), `act again after ${place}`);
      assertJson(result, `the result after ${place}`);
      await verify(result, place);
      return "done";
    },
  };
  return trial;
}

function assertDone(result: StepResult, what: string): JsonObject {
  assert.equal(result.outcome, "done", `${what}: ${result.reason}`);
  assertJson(result.result, `the result of ${what}`);
  return result.result;
}

/** Plans and results are stored: what does not survive JSON would differ after a restart. */
function assertJson(value: Json, what: string): void {
  assert.deepEqual(JSON.parse(JSON.stringify(value)), value, `${what} does not survive JSON`);
}
