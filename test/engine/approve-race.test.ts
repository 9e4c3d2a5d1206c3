import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import type { PlannedStep } from "../../src/model/plan.ts";
import type { Run, RunEvent } from "../../src/model/run.ts";
import type { StepKind } from "../../src/model/step-kind.ts";
import { listEvents } from "../../src/store/runs.ts";
import { approve } from "../../src/steps/approve.ts";
import { EngineWorld, scriptedStep } from "../support/engine.ts";
import { freshState, type TestState } from "../support/state.ts";

let state: TestState;
beforeAll(async () => {
  state = await freshState();
});
afterAll(() => state.drop());

const sign = (): PlannedStep =>
  scriptedStep("sign", {
    kind: "approve",
    kindVersion: approve.version,
    with: JSON.parse(JSON.stringify(approve.schema.parse({ not: ["starter"] }))) as PlannedStep["with"],
    facts: { hasUsers: false, authorship: null },
    timeoutMs: 60_000,
    undo: { how: "none-needed", text: "" },
  });

/** A project whose runbook is edited and planned again: each edit is a run of its own. */
class Race {
  readonly world = new EngineWorld(state);
  readonly #running = new Map<string, Promise<Run>>();

  constructor() {
    this.world.kinds.approve = approve as StepKind;
  }

  /** Starts a run of the runbook with this text. */
  async edit(text: string, steps: PlannedStep[] = [sign()]): Promise<string> {
    return this.world.start([steps], { inputs: [{ name: "runbook", digest: text }] });
  }

  execute(id: string): void {
    this.#running.set(id, this.world.execute(id));
  }

  async approve(id: string): Promise<void> {
    const { hash } = (await this.world.run(id)).plan;
    await this.world.send(id, { kind: "approve", stepId: "sign", planHash: hash, note: "" });
  }

  /** The first event that says what became of the approvals so far. */
  async answer(id: string): Promise<RunEvent> {
    for (;;) {
      const events = await listEvents(state.pool, id, 0);
      const found = events.find(
        ({ type, data }) =>
          data.stepId === "sign" &&
          (type === "step.done" ||
            (type === "step.progress" && JSON.stringify(data.text).includes("does not count"))),
      );
      if (found !== undefined) return found;
      await systemClock.sleep(5);
    }
  }

  async close(...ids: string[]): Promise<void> {
    for (const id of ids)
      if ((await this.world.run(id)).state !== "ended") {
        await this.world.send(id, { kind: "abort", note: "" });
        if (!this.#running.has(id)) this.execute(id);
        await this.#running.get(id);
      }
    await Promise.all(this.#running.values());
    this.world.close();
  }
}

const stale = (id: string): string =>
  `0 of 1 approvals; that of tom does not count: the plan is stale: run ${id} has a newer one of this release`;

describe("an approval and an edit of the runbook", { timeout: 120_000 }, () => {
  it("given before the edit: counts for neither plan, and is told so", async () => {
    const race = new Race();
    const first = await race.edit("one");
    await race.approve(first);
    const second = await race.edit("two");
    race.execute(first);
    expect((await race.answer(first)).data.text).toBe(stale(second));
    await race.approve(first);
    await race.world.send(first, { kind: "abort", note: "" });
    race.execute(second);
    await race.world.untilWaiting(second);
    expect((await listEvents(state.pool, second, 0)).map(({ type }) => type)).not.toContain("step.done");
    await race.approve(second);
    expect((await race.answer(second)).type).toBe("step.done");
    await race.close(first, second);
  });

  it("given after an edit that was given up: counts again for the first plan", async () => {
    const race = new Race();
    const first = await race.edit("one");
    const second = await race.edit("two");
    await race.world.send(second, { kind: "abort", note: "" });
    race.execute(first);
    race.execute(second);
    await expect.poll(async () => (await race.world.run(second)).state).toBe("ended");
    await race.approve(first);
    expect((await race.answer(first)).type).toBe("step.done");
    await race.close(first);
  });

  it("is not made stale by the same plan once more, by another release or another project", async () => {
    const race = new Race();
    const first = await race.edit("one");
    await race.approve(first);
    const others = [
      await race.edit("one"),
      await race.world.start([[sign()]], { release: "v3" }),
      await race.world.start([[sign()]], { project: `${race.world.project}-other` }),
      await race.world.start([[sign()]], { purpose: "rollback", inputs: [] }),
    ];
    race.execute(first);
    expect((await race.answer(first)).type).toBe("step.done");
    await race.close(first, ...others);
  });

  it("at the same time: whichever is first, a stale approval never counts", async () => {
    for (let round = 0; round < 24; round++) {
      const race = new Race();
      const first = await race.edit("one");
      race.execute(first);
      await race.world.untilWaiting(first);
      const edit = async (): Promise<string> => {
        await systemClock.sleep(round % 3 === 0 ? round / 3 : 0);
        return race.edit("two");
      };
      const order = round % 2 === 0;
      const [second] = order
        ? await Promise.all([edit(), race.approve(first)])
        : (await Promise.all([race.approve(first), edit()])).toReversed();
      const answer = await race.answer(first);
      const { at } = (await state.journal.signals(first))[0]!;
      const { createdAt } = await race.world.run(second as string);
      // Counted: then it was given for the newest plan that there was.
      if (answer.type === "step.done") expect(at.getTime()).toBeLessThanOrEqual(createdAt.getTime());
      else expect(answer.data.text).toBe(stale(second as string));
      expect(await state.journal.signals(second as string)).toEqual([]);
      await race.close(first, second as string);
    }
  });
});
