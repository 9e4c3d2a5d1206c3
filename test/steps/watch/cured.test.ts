import { describe, expect, it } from "vitest";
import { watch } from "../../../src/steps/watch.ts";
import { RULE, sceneOf, steady, type Script } from "./scene.ts";

async function askedAfterFailing(
  script: Script,
  history: "range" | "counter" | "now" = "range",
  rule = RULE,
  minRequests?: number,
) {
  const form = history === "now" ? "values" : "counts";
  const scene = sceneOf(script, { history, form, settings: { rules: [rule] } });
  const result = await scene.run();
  expect(result.outcome).toBe("failed");
  const { context } = scene.world.open(scene.settings, null);
  return watch.cured!(context, {
    result: result.result,
    windowMs: 30_000,
    serving: ["v1"],
    ...(minRequests === undefined ? {} : { minRequests }),
  });
}

const badRelease: Script = {
  traffic: (_, release) => ({ perSecond: 10, bad: release === "v1" ? 0.001 : 0.2 }),
};

describe("the cure check of a watch", () => {
  it.each(["range", "counter"] as const)(
    "passes when what serves is within the rule that failed (%s)",
    async (history) => {
      const verdict = await askedAfterFailing(badRelease, history);
      expect(verdict).toMatchObject({ verdict: "pass" });
      expect(verdict.reason).toBe(
        "errors: 0 of 300 requests bad after the rollback (0 %), proven to be below 1 %",
      );
    },
  );

  it("fails when what serves now breaks the rule as well", async () => {
    expect(await askedAfterFailing(steady(10, 0.2))).toMatchObject({ verdict: "fail" });
  });

  it("does not know when too few came after the rollback to tell, and says how many did", async () => {
    for (const [perSecond, bad, words] of [
      [
        53 / 30,
        1 / 53,
        "1 of 53 requests bad after the rollback (1.89 %), which may stand for 0.0967 % to 8.64 %",
      ],
      [1, 0, "0 of 30 requests bad after the rollback, of at least 50 to tell"],
    ] as const) {
      const few: Script = {
        traffic: (_, release) => (release === "v1" ? { perSecond, bad } : { perSecond: 10, bad: 0.2 }),
      };
      const verdict = await askedAfterFailing(few);
      expect(verdict.verdict).toBe("unknown");
      expect(verdict.reason).toContain(`errors: ${words}`);
    }
  });

  it("takes as many requests for enough as the rule says, or else the runbook", async () => {
    const few: Script = {
      traffic: (_, release) => (release === "v1" ? { perSecond: 1, bad: 0 } : { perSecond: 10, bad: 0.2 }),
    };
    const rule = "errors: when error_rate > 1% min 20 requests -> rollback";
    expect(await askedAfterFailing(few, "range", rule)).toMatchObject({ verdict: "unknown" });
    expect(await askedAfterFailing(few, "range", RULE, 30)).toMatchObject({ verdict: "pass" });
    expect(await askedAfterFailing(few, "range", RULE, 31)).toMatchObject({ verdict: "unknown" });
  });

  it("does not know when nothing came after the rollback", async () => {
    const silent: Script = { traffic: (_, release) => ({ perSecond: release === "v1" ? 0 : 10, bad: 0.2 }) };
    expect(await askedAfterFailing(silent)).toMatchObject({ verdict: "unknown" });
  });

  it("looks at a value as the rule does", async () => {
    const rule = "busy: when gauge(conn) > 80% of max for 1m -> rollback";
    expect(await askedAfterFailing(steady(90, 0), "now", rule)).toMatchObject({ verdict: "fail" });
  });

  it("takes a plain value as it is, also from a source that names its greatest", async () => {
    const rule = "busy: when gauge(conn) > 60 for 1m -> rollback";
    const verdict = await askedAfterFailing({ ...steady(70, 0), max: 200 }, "now", rule);
    expect(verdict).toMatchObject({ verdict: "fail", evidence: { value: 70, limit: 60 } });
  });

  it("holds a rule about too few against the control as the watch does", async () => {
    const rule = "hits: when cache_hit < control * 0.9 -> rollback";
    const fewer: Script = { traffic: (_, release) => ({ perSecond: 10, bad: release === "v1" ? 0.8 : 0.2 }) };
    expect(await askedAfterFailing(fewer, "range", rule)).toMatchObject({ verdict: "pass" });
  });
});
