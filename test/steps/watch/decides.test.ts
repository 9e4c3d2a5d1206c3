import { describe, expect, it } from "vitest";
import { createFakeTarget } from "../../../src/testing/fake-target.ts";
import { resolve, RULE, sceneOf, steady, type Scene, type SourceHistory } from "./scene.ts";

describe("a watch by evidence", () => {
  it.each(["range", "counter"] as const)(
    "passes at its end when a healthy release was shown to be so (%s)",
    async (history) => {
      const scene = sceneOf(steady(10, 0), { history });
      const result = await scene.run();
      expect(result).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
      expect(scene.seconds()).toBe(600);
    },
  );

  it.each(["range", "counter"] as const)(
    "rolls back a release with 5 %% errors within minutes (%s)",
    async (history) => {
      const scene = sceneOf(steady(2, 0.05), { history });
      const result = await scene.run();
      expect(result).toMatchObject({
        outcome: "failed",
        result: { verdict: "fail", failedRule: { text: RULE, source: "prom" } },
      });
      expect(result.reason).toMatch(
        /^errors: error_rate > 1%: [45](\.\d+)? % \(\d+ of \d+\), evidence \d+ of 100$/,
      );
      expect(scene.seconds()).toBeLessThanOrEqual(300);
    },
  );

  it("takes in the end of its time although the source tells of it late", async () => {
    const scene = sceneOf(steady(10, 0.001), {
      lagMs: 20 * 60_000,
      settings: { duration: "1h", every: "1m" },
    });
    const result = await scene.run();
    expect(result).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
    expect(scene.seconds()).toBe(80 * 60);
  });

  it("does not pass when too few requests came to see anything, and asks", async () => {
    const scene = sceneOf(steady(0.05, 0), {
      at: [[900, ({ world }) => resolve(world, "failed", "too quiet")]],
    });
    const result = await scene.run();
    expect(result).toMatchObject({ outcome: "failed", result: { decidedBy: "kim" } });
    expect(scene.world.waits[0]?.text).toMatch(
      /not proven good: errors: 0 %, 0 of 30 in all; a share of 3 % could have gone unseen/,
    );
  });
});

describe("a watch beside the release before, at half of the traffic", () => {
  const routes = [
    { release: "v2", percent: 50 },
    { release: "v1", percent: 50 },
  ];
  /** So many requests and new visitors a second; the release has more than half of the requests. */
  const sceneAt = (history: SourceHistory, ofRelease?: number, ofControl?: number): Scene =>
    sceneOf(
      {
        traffic: (_, release) => {
          const visitors = release === "v2" ? ofRelease : ofControl;
          const known = visitors === undefined ? {} : { visitors };
          return { perSecond: release === "v2" ? 23 : 17, bad: 0, ...known };
        },
      },
      {
        history,
        settings: { rules: ["errors: when error_rate > control + 2pp -> rollback"] },
        world: { target: createFakeTarget({ routes }) },
        at: [[900, ({ world }) => resolve(world, "failed")]],
      },
    );

  it.each(["range", "counter"] as const)(
    "counts its new visitors, not what each of them sends (%s)",
    async (history) => {
      expect(await sceneAt(history, 0.06, 0.05).run()).toMatchObject({ outcome: "done" });
      expect(await sceneAt(history, 0, 0).run()).toMatchObject({ outcome: "done" });
      for (const [ofRelease, ofControl, reason] of [
        [
          0.6,
          0.2,
          /^errors cannot act: .*: of \d+ new clients \d+ came to the release, \d+ were expected\. /,
        ],
        [
          undefined,
          0.2,
          /^errors cannot act: .*: of [\d,]+ requests [\d,]+ came to the release, [\d,]+ were expected\. /,
        ],
      ] as const) {
        const scene = sceneAt(history, ofRelease, ofControl);
        expect(await scene.run()).toMatchObject({ outcome: "failed" });
        expect(scene.world.waits[0]?.text).toMatch(reason);
        const told = scene.world.pages.map(({ key, text }) => [key, text]);
        expect(told).toEqual([
          ["split errors", expect.stringContaining("errors cannot act: traffic is not")],
        ]);
      }
    },
  );
});
