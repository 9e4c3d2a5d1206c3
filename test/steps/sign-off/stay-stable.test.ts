import { describe, expect, it } from "vitest";
import { signOff } from "../../../src/steps/sign-off.ts";
import { createFakeTarget, type FakeTarget } from "../../../src/testing/fake-target.ts";
import type { FakeStepWorldOptions } from "../../../src/testing/fake-step-context.ts";
import { answers, documentOf, HOUR, LIVE, open, requests, START } from "./scene.ts";

describe("while it has to be stable", () => {
  const settings = { stable: "1h", evidence: ["smoke"], every: "10m" };
  /** Two looks are due when it begins: at once, and at the end. */
  function begin(options: FakeStepWorldOptions = {}) {
    const target = createFakeTarget({ routes: LIVE, warm: ["v1"] });
    const opened = open(settings, { zeroAt: START, target, ...options });
    return { ...opened, target, acting: signOff.act(opened.context) };
  }
  const shiftTo = (target: FakeTarget, release: string) =>
    target.shift(
      [{ release, percent: 100 }],
      { environment: "production", token: 1 },
      new AbortController().signal,
    );
  const DRIFT = "traffic is v1 100 %, and was v2 100 %";

  it("looks again and again, and says when it last saw that all is the same", async () => {
    const { world, clock, acting } = begin();
    for (const [looks, at] of ["10:00", "10:10", "10:20", "10:30", "10:40", "10:50"].entries()) {
      await expect.poll(() => world.waits.at(-1)?.text).toBe(`stable for 1h; verified at ${at} UTC`);
      expect(world.waits).toHaveLength(looks + 1);
      clock.advance(10 * 60_000);
    }
    expect((await acting).outcome).toBe("done");
    expect(world.progress.at(-1)).toBe("verified at 11:00 UTC");
    expect(world.pages).toEqual([]);
    expect(documentOf(world).stable).toMatchObject({ verifiedAt: "2026-01-05T11:00:00.000Z", drifts: [] });
  });

  it("tells and asks at once when somebody else changes what is live, and goes on once it is the same again", async () => {
    const { world, clock, acting, target } = begin();
    await expect.poll(() => world.waits).toHaveLength(1);
    await shiftTo(target, "v1");
    clock.advance(10 * 60_000);
    await expect
      .poll(() => world.waits.at(-1))
      .toMatchObject({
        for: "decision",
        text: `the end state differs: ${DRIFT}; verified at 10:00 UTC. done: it may stay so; retry: look again; failed: do not sign off`,
      });
    expect(world.pages).toMatchObject([
      { title: "v2 on production: the end state differs", text: `${DRIFT}; verified at 10:00 UTC` },
    ]);
    clock.advance(2 * HOUR);
    expect(target.routes()).toEqual([{ release: "v1", percent: 100 }]);
    await shiftTo(target, "v2");
    world.send({ kind: "resolve", stepId: "step", as: "retry", note: "put back" }, "ann");
    expect(await acting).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
    expect(documentOf(world).stable).toMatchObject({
      verifiedAt: "2026-01-05T12:10:00.000Z",
      drifts: [{ at: "2026-01-05T10:10:00.000Z", text: DRIFT }],
    });
  });

  it("is not signed off by whoever says that it failed, and rolls nothing back itself", async () => {
    const { world, acting, target } = begin({
      target: createFakeTarget({ routes: [{ release: "v1", percent: 100 }] }),
    });
    await expect.poll(() => world.waits.at(-1)?.for).toBe("decision");
    world.send({ kind: "resolve", stepId: "step", as: "failed", note: "who was that?" }, "ann");
    expect(await acting).toEqual({
      outcome: "failed",
      reason: `${DRIFT}; ann: who was that?`,
      result: { verdict: "fail", decidedBy: "ann" },
    });
    expect(target.changes).toEqual([]);
  });

  it("shows a difference that a person took as it is, and asks about it once, also across a restart", async () => {
    const opened = begin({ target: createFakeTarget({ routes: [{ release: "v1", percent: 100 }] }) });
    const { world, clock, acting } = opened;
    acting.catch(() => undefined);
    await expect.poll(() => world.waits.at(-1)?.for).toBe("decision");
    world.send({ kind: "resolve", stepId: "step", as: "done", note: "on purpose" }, "ann");
    await expect.poll(() => world.waits.at(-1)?.for).toBe("time");
    opened.abort(new Error("the worker died"));
    await expect(acting).rejects.toThrow("died");
    const again = signOff.act(world.open(opened.parsed, null).context);
    await expect.poll(() => world.waits).toHaveLength(3);
    clock.advance(HOUR);
    expect(await again).toMatchObject({
      outcome: "done",
      reason: expect.stringContaining(`differences accepted: ${DRIFT} (ann)`) as unknown,
      result: { verdict: "accepted" },
    });
    expect(world.waits.filter((wait) => wait.for === "decision")).toHaveLength(1);
    expect(world.pages).toHaveLength(1);
  });

  it("tells once that it could not look, goes on looking, and asks only when it ends like that", async () => {
    const { world, clock, acting, target } = begin();
    await expect.poll(() => world.waits).toHaveLength(1);
    for (const looks of [2, 3]) {
      target.failNext("traffic", "before", "TARGET_UNREACHABLE");
      clock.advance(10 * 60_000);
      await expect.poll(() => world.waits).toHaveLength(looks);
    }
    expect(world.waits.at(-1)).toMatchObject({
      for: "time",
      text: "stable for 1h; verified at 10:00 UTC; could not be looked at just now",
    });
    expect(world.pages).toMatchObject([{ title: "v2 on production: the end state could not be looked at" }]);
    target.failNext("traffic", "before", "TARGET_UNREACHABLE");
    clock.advance(HOUR);
    await expect.poll(() => world.waits.at(-1)?.for).toBe("decision");
    world.send({ kind: "resolve", stepId: "step", as: "retry", note: "" }, "ann");
    expect(await acting).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
  });

  it.each<[string, () => void, string]>([
    ["answers as a server that failed", () => (answers.status = 503), "answered 503"],
    ["answers with another release", () => (answers.served = "v1"), "answered with v1, not v2"],
  ])("sees that the public address %s", async (_, change, text) => {
    change();
    const { world } = begin();
    await expect.poll(() => world.waits.at(-1)?.text).toContain(text);
    expect(world.waits.at(-1)?.for).toBe("decision");
  });

  it("asks the checks of a smoke step under evidence again that only read", async () => {
    answers.status = 404;
    const { world } = begin();
    await expect
      .poll(() => world.waits.at(-1)?.text)
      .toContain("the end state differs: smoke: front answered 404, expected 200; not verified yet.");
    expect(requests).not.toContain("POST /orders");
  });
});
