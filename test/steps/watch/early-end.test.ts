import { describe, expect, it } from "vitest";
import type { Actor } from "../../../src/model/actor.ts";
import { FAKE_STEP_ID, type Tap } from "../../../src/testing/fake-step-context.ts";
import type { JsonObject } from "../../../src/model/json.ts";
import { resolve, RULE, sceneOf, steady, type Scene, type Script } from "./scene.ts";

const NEEDS_MUCH = "quiet: expect error_rate < 0.001% -> fail-gate";

function person(roles: Actor["roles"], kind: Actor["kind"] = "human"): Actor {
  return { name: "ann", checked: { by: "password" }, kind, emails: [], roles };
}

function promote({ world, clock }: Scene, actor: Actor = person([]), note = "the sale opens"): void {
  world.send({ kind: "resolve", stepId: FAKE_STEP_ID, as: "promote", note }, actor, clock.now());
}

interface Case {
  settings?: JsonObject;
  isProtected?: boolean;
  actor?: Actor;
  note?: string;
  script?: Script;
}

/** A watch of half an hour that somebody wants to end after ten minutes; it asks nobody, or is then judged as failed. */
async function endAfterTenMinutes(one: Case) {
  const scene = sceneOf(one.script ?? steady(50, 0), {
    settings: { duration: "30m", every: "15s", rules: [RULE, NEEDS_MUCH], ...one.settings },
    world: { environment: { protected: one.isProtected ?? false } },
    at: [
      [600, (own) => promote(own, one.actor, one.note)],
      [4_000, ({ world }) => resolve(world, "failed")],
    ],
  });
  return { scene, result: await scene.run() };
}

describe("a watch that a person ends early", () => {
  it("keeps the release, is no pass, and records who, why, and what was proven by then and what not", async () => {
    const { scene, result } = await endAfterTenMinutes({ settings: { promote: "anyone" } });
    expect(result).toMatchObject({
      outcome: "done",
      result: {
        verdict: "accepted",
        acceptedBy: "ann",
        note: "the sale opens",
        endedEarly: { afterMs: 600_000, plannedMs: 1_800_000, proven: ["errors"], notProven: ["quiet"] },
        rules: { errors: { verdict: "PENDING" }, quiet: { verdict: "PENDING" } },
      },
    });
    expect(result.reason).toMatch(
      /^ended early after 10m 00s of 30m 00s by ann: the sale opens; not proven: quiet \(.*more requests are needed\); good so far: errors$/,
    );
    expect(scene.clock.monotonicMs()).toBe(600_000);
    expect(scene.world.evidence.map(({ name }) => name)).toContain("watch.json");
    expect(await scene.run()).toEqual(result);
  });

  it.each<[string, Case, string]>([
    ["the runbook does not say so", {}, "it has no promote"],
    [
      "the runbook says never",
      { settings: { promote: "never" }, isProtected: true, actor: person(["approver"]) },
      "never",
    ],
    ["it takes an approver", { settings: { promote: "approver" } }, "takes an approver who is a person"],
    [
      "the environment is protected",
      { settings: { promote: "anyone" }, isProtected: true },
      "takes an approver",
    ],
    [
      "the approver is a program",
      { isProtected: true, actor: person(["approver"], "agent") },
      "takes an approver",
    ],
    ["nobody says why", { settings: { promote: "anyone" }, note: " " }, "ann does not say why"],
  ])("goes on when %s", async (_, one, told) => {
    const { scene, result } = await endAfterTenMinutes({
      ...one,
      settings: { rules: [RULE], ...one.settings },
    });
    expect(result).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
    expect(scene.clock.monotonicMs()).toBe(1_800_000);
    expect(scene.world.progress.join("\n")).toMatch(new RegExp(`the watch is not ended early: .*${told}`));
  });

  it("is ended on a protected environment by an approver, whatever the runbook does not say", async () => {
    const { result } = await endAfterTenMinutes({ isProtected: true, actor: person(["approver"]) });
    expect(result).toMatchObject({ outcome: "done", result: { verdict: "accepted", acceptedBy: "ann" } });
  });

  it("is rolled back all the same by what it sees at its last look", async () => {
    const spoilt: Script = {
      traffic: (second) => ({ perSecond: 1000, bad: second < 585 ? 0 : 1 }),
    };
    const { result } = await endAfterTenMinutes({
      script: spoilt,
      settings: {
        promote: "anyone",
        rules: ["errors: when error_rate over 15s > 1% strictly -> rollback"],
        every: "1m",
      },
    });
    expect(result).toMatchObject({ outcome: "failed", result: { failedRule: { name: "errors" } } });
  });

  it("does not count what was said before it began, and counts it once after a crash", async () => {
    const before = sceneOf(steady(50, 0), { settings: { promote: "anyone" } });
    const earlier = new Date(before.clock.now().getTime() - 60_000);
    before.world.send(
      { kind: "resolve", stepId: FAKE_STEP_ID, as: "promote", note: "x" },
      person([]),
      earlier,
    );
    expect(await before.run()).toMatchObject({ result: { verdict: "pass" } });

    const scene = sceneOf(steady(50, 0), { settings: { promote: "anyone", duration: "30m", every: "15s" } });
    let saves = 0;
    const dead: Tap = (boundary) => {
      if (boundary === "saveState:after" && ++saves === 5) throw new Error("crash");
    };
    await expect(scene.run(dead)).rejects.toThrow("crash");
    promote(scene);
    expect(await scene.run()).toMatchObject({
      result: { verdict: "accepted", endedEarly: { plannedMs: 1_800_000 } },
    });
  });
});
