import { describe, expect, it } from "vitest";
import { sha256 } from "../../src/lib/hash.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { EarlierStep } from "../../src/model/step-kind.ts";
import { signOff } from "../../src/steps/sign-off.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";
import { accepted, attest, documentOf, earlier, ENDED, HOUR, open, START } from "./sign-off/scene.ts";

const ALL = {
  evidence: ["smoke", "watch"],
  attest: [{ id: "team", text: "The team agrees", by: "lena" }],
  stable: "30m",
};

const stepCase: StepCase = {
  kind: signOff,
  with: ALL,
  observedAfterAct: "absent",
  open: () => {
    const { world } = open(ALL, { earlier: { smoke: earlier("smoke"), watch: accepted } });
    attest(world, "watch", "ann", "I looked at the charts");
    attest(world, "team", "lena", "all agree");
    const documents = (): number =>
      new Set(world.evidence.flatMap(({ name, sha256: hash }) => (name === "sign-off.json" ? [hash] : [])))
        .size;
    return { world, effects: documents };
  },
};

describe("the contract of a step kind", () => {
  it("is kept", async () => {
    await driveStep(stepCase);
  });

  it("is kept wherever it is interrupted: the same document, once", async () => {
    const report = await driveInterrupted(stepCase);
    expect(report.parked).toBe(0);
    expect(report.act).toBeGreaterThan(10);
  });
});

describe("a sign-off", () => {
  it("is done when everything is proven, stated and stable, with one document of it all", async () => {
    const { world, context } = open(ALL);
    attest(world, "team", "Lena ", "all agree");
    const { outcome, reason, result } = await signOff.act(context);
    expect(outcome).toBe("done");
    expect(reason).toBe("proven good: smoke, watch; attested by Lena ; stable for 30m");
    const document = documentOf(world);
    const kept = new Map(world.evidence.map(({ name, sha256: hash }) => [name, hash]));
    expect(result).toEqual({ verdict: "pass", document: kept.get("sign-off.json") });
    expect(document).toEqual({
      run: "run",
      release: "v2",
      environment: "production",
      plan: "plan-hash",
      evidence: ["smoke", "watch"].map((id) => ({
        step: id,
        kind: id,
        verdict: "good",
        reason: `${id} was good`,
        endedAt: ENDED.toISOString(),
        proofs: [
          { name: "samples.json", sha256: sha256(id) },
          { name: "outcome", sha256: kept.get(`outcome-${id}.json`) },
        ],
      })),
      attest: [
        {
          id: "team",
          text: "The team agrees",
          by: "Lena ",
          at: START.toISOString(),
          note: "all agree",
          sha256: kept.get("attestations.json"),
        },
      ],
      stable: {
        for: "30m",
        zeroAt: new Date(START.getTime() - HOUR).toISOString(),
        trafficMovedAt: null,
        until: new Date(START.getTime() - HOUR / 2).toISOString(),
        verifiedAt: START.toISOString(),
        drifts: [],
      },
    });
    expect(world.evidence.find(({ name }) => name === "outcome-watch.json")?.content).toContain(
      "watch was good",
    );
  });

  it("asks nobody when everything is proven and nothing has to be stated", async () => {
    const { world, context } = open({ evidence: ["smoke", "watch"] });
    expect((await signOff.act(context)).outcome).toBe("done");
    expect(world.waits).toEqual([]);
    expect(documentOf(world).stable).toBeNull();
  });

  it("has a risk that was accepted attested by name, and shows it as such", async () => {
    const { world, context } = open(
      { evidence: ["smoke", "watch"] },
      { earlier: { smoke: earlier("smoke"), watch: accepted } },
    );
    const acting = signOff.act(context);
    await expect.poll(() => world.waits).toHaveLength(1);
    expect(world.waits[0]).toMatchObject({
      for: "attestation",
      text: "watch: accepted: not proven good: 41 requests, need 230; accepted by kim: it is Sunday",
    });
    attest(world, "watch", "ann", "the charts are flat");
    expect(await acting).toMatchObject({
      outcome: "done",
      reason: "proven good: smoke; accepted by people: watch; attested by ann",
      result: { verdict: "accepted" },
    });
    expect(documentOf(world).evidence[1]).toMatchObject({
      step: "watch",
      verdict: "accepted",
      acceptedBy: "kim",
      attested: { by: "ann", note: "the charts are flat" },
    });
  });

  it.each<[string, EarlierStep | undefined, string]>([
    ["missing", undefined, "watch: open: the plan has no such step"],
    [
      "not begun",
      earlier("watch", { state: "pending", reason: "", result: {} }),
      "watch: open: it is pending",
    ],
    ["interrupted", earlier("watch", { state: "begun", reason: "" }), "watch: open: it is begun"],
    ["undone", earlier("watch", { state: "undone", reason: "gone" }), "watch: open: it is undone: gone"],
    [
      "unknown",
      earlier("watch", { result: { verdict: "unknown" }, reason: "no data" }),
      'watch: open: its verdict is "unknown": no data',
    ],
    [
      "cancelled",
      earlier("watch", { result: { verdict: "CANCELLED" }, reason: "ended early" }),
      'watch: open: its verdict is "CANCELLED": ended early',
    ],
    [
      "a number",
      earlier("watch", { result: { verdict: 1 } }),
      "watch: open: its verdict is 1: watch was good",
    ],
  ])("stays open over a step that is %s, until somebody attests it with a note", async (_, step, text) => {
    const { world, context } = open(
      { evidence: ["smoke", "watch"] },
      { earlier: { smoke: earlier("smoke"), ...(step === undefined ? {} : { watch: step }) } },
    );
    const acting = signOff.act(context);
    await expect.poll(() => world.waits).toMatchObject([{ for: "attestation", text }]);
    attest(world, "watch", "ann", "  ");
    await expect.poll(() => world.progress.at(-1)).toBe("ann attested watch without a note; waits for watch");
    attest(world, "watch", "ann", "looked at the shop for an hour");
    expect(await acting).toMatchObject({
      outcome: "done",
      reason: "proven good: smoke; not proven, attested all the same: watch; attested by ann",
      result: { verdict: "accepted" },
    });
    expect(documentOf(world).evidence[1]).toMatchObject({ verdict: "open", attested: { by: "ann" } });
  });

  it("takes a step that only says that it was done, and one that a person said was done as accepted", async () => {
    const { world, context } = open(
      { evidence: ["smoke", "watch"] },
      {
        earlier: {
          smoke: earlier("smoke", { result: { exitCode: 0 } }),
          watch: earlier("watch", { result: { acceptedBy: "kim" }, reason: "kim says that it is done" }),
        },
      },
    );
    attest(world, "watch", "ann", "fine");
    await signOff.act(context);
    expect(documentOf(world).evidence.map(({ verdict }) => verdict)).toEqual(["good", "accepted"]);
  });

  it("does not count what was said before there was something to accept, nor for somebody else", async () => {
    const { world, context } = open(
      { evidence: ["watch"], attest: [{ id: "team", text: "The team agrees", by: "lena" }] },
      { earlier: { watch: accepted } },
    );
    attest(world, "watch", "ann", "will be fine", new Date(ENDED.getTime() - 1));
    attest(world, "team", "max", "they do");
    const acting = signOff.act(context);
    await expect
      .poll(() => world.progress)
      .toEqual([
        "ann attested watch before it had ended; waits for watch, team",
        "team is for lena to attest, not for max; waits for watch, team",
      ]);
    attest(world, "watch", "ann", "is fine");
    attest(world, "team", "lena");
    expect((await acting).outcome).toBe("done");
  });

  it("waits until it was stable since T-0 and since traffic last moved, across restarts", async () => {
    const movedAt = new Date(START.getTime() - HOUR / 4);
    const first = open({ stable: "30m" }, { trafficMovedAt: movedAt });
    const acting = signOff.act(first.context);
    acting.catch(() => undefined);
    const until = new Date(movedAt.getTime() + HOUR / 2).toISOString();
    await expect.poll(() => first.world.waits).toMatchObject([{ for: "time", until }]);
    first.abort(new Error("the worker died"));
    await expect(acting).rejects.toThrow("died");
    const again = signOff.act(first.world.open(first.parsed, null).context);
    await expect.poll(() => first.world.waits).toHaveLength(2);
    expect(first.world.waits[1]).toMatchObject({ until });
    first.clock.advance(HOUR / 4 - 1);
    expect(documentOf(first.world)).toBeNull();
    first.clock.advance(1);
    expect(await again).toMatchObject({ outcome: "done", reason: "stable for 30m" });
  });

  it("says that it waits for people as long as it does, and names the time before which it does not end", async () => {
    const { world, context, clock } = open({
      stable: "2h",
      attest: [{ id: "team", text: "The team agrees" }],
    });
    const acting = signOff.act(context);
    const until = new Date(START.getTime() + HOUR).toISOString();
    await expect
      .poll(() => world.waits)
      .toMatchObject([{ for: "attestation", text: `team: The team agrees; signed off not before ${until}` }]);
    attest(world, "team", "max");
    await expect.poll(() => world.waits.at(-1)).toMatchObject({ for: "time", until });
    clock.advance(HOUR);
    expect((await acting).outcome).toBe("done");
  });
});

describe("the plan of a sign-off", () => {
  const planOf = (settings: JsonObject) => {
    const { world, parsed } = open(settings);
    return signOff.plan(world.planInput(parsed, null));
  };

  it("says what it needs, and that nothing ends it but that", () => {
    const { summary, timeoutMs, durationMs, blocked } = planOf(ALL);
    expect(summary).toEqual([
      "needs smoke, watch to be good; asks about each that is not",
      "asks for team: The team agrees (lena)",
      "not before 30m after T-0 and after the last change of traffic; looks every 5m whether all is still the same",
    ]);
    expect(blocked).toEqual([]);
    expect(durationMs).toBe(HOUR / 2);
    expect(timeoutMs).toBeGreaterThan(365 * 24 * HOUR);
  });

  it("is blocked by evidence that does not run before it", () => {
    expect(planOf({ evidence: ["smoke", "wach"] }).blocked).toEqual([
      {
        reason: "its evidence wach is no step that runs before it in this environment",
        fix: expect.stringContaining("watch") as unknown,
      },
    ]);
  });

  it.each<[JsonObject, string]>([
    [{}, "there is nothing to sign off"],
    [{ evidence: ["a", "a"] }, "names a step twice"],
    [{ evidence: ["a"], attest: [{ id: "a", text: "t" }] }, "is the name of a step under evidence too"],
    [{ stable: "15d" }, "is longer than 14 days"],
  ])("refuses %j", (settings, message) => {
    const { error } = signOff.schema.safeParse(settings);
    expect(error?.issues.map((issue) => issue.message)).toEqual([message]);
  });
});
