import { parse } from "yaml";
import { describe, expect, it } from "vitest";
import { watch } from "../../../src/steps/watch.ts";
import type { Json, JsonObject } from "../../../src/model/json.ts";
import { RULE, sceneOf, steady } from "./scene.ts";

function issuesOf(settings: JsonObject): string[] {
  const found = watch.schema.safeParse({ duration: "10m", ...settings }).error?.issues ?? [];
  return found.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("the watch's settings", () => {
  it("accept its own example, and keep every rule in its text form", () => {
    const parsed = watch.schema.parse(parse(watch.example)) as { rules: string[] };
    expect(parsed.rules.at(-1)).toBe("quiet: expect error_rate < 1% for 30m -> fail-gate");
    expect(watch.schema.parse(parsed)).toEqual(parsed);
  });

  it.each<[string, JsonObject, string[]]>([
    ["no rule", {}, ["rules: there is no rule"]],
    ["a name used twice", { rules: [RULE, RULE] }, ["rules.1: the name errors is used twice"]],
    [
      "a rule that must hold longer than the watch",
      { rules: ["errors: when error_rate > 1% for 11m strictly -> hold"] },
      ["rules.0: errors: it must hold for 11m 00s, and the stage is 10m 00s long"],
    ],
    [
      "a rule about a probe that there is not",
      {
        rules: ["up: when probe(helth) fails for 3 of 3 -> rollback"],
        probes: [{ name: "health", path: "/" }],
      },
      ["rules.0: up: there is no probe helth"],
    ],
    [
      "a baseline that was not kept",
      { rules: ["errors: when error_rate > baseline(pinned friday) * 2 -> rollback"] },
      ["rules.0: errors: there is no baseline friday"],
    ],
    ["a watch shorter than its pause", { every: "11m", rules: [RULE] }, ["duration: is shorter than every"]],
    [
      "a watch longer than timers can wait",
      { duration: "30d", rules: [RULE] },
      ["duration: is longer than 14d"],
    ],
    ["looking all the time", { every: "10ms", rules: [RULE] }, ["every: is shorter than 100ms"]],
    [
      "stages that go back in time",
      {
        stages: [
          { name: "a", until: "5m", every: "15s" },
          { name: "b", until: "5m", every: "15s" },
        ],
        rules: [RULE],
        duration: undefined as never,
      },
      ["stages.1.until: is not after the stage before it"],
    ],
  ])("refuse %s", (_, settings, issues) => {
    expect(issuesOf(settings)).toEqual(issues);
  });

  it("point at the word of a rule that is wrong", () => {
    const found = watch.schema.safeParse({
      duration: "10m",
      rules: ["errors: when error_rat > 1% -> rolback"],
    });
    expect(found.error?.issues[0]).toMatchObject({ path: ["rules", 0] });
  });
});

describe("the forecast of a watch", () => {
  it("says the odds at the traffic before, what is seen how soon, and what an expectation needs", async () => {
    const scene = sceneOf(steady(2, 0.001), {
      settings: {
        duration: "30m",
        every: undefined as never,
        rules: [RULE, "quiet: expect error_rate < 1% for 30m -> fail-gate"],
        shadow: ["strict: when error_rate > 0.5% for 5m strictly -> rollback"],
      },
    });
    const facts = await watch.gather!(scene.world.planContext(scene.settings));
    const forecast = watch.plan(scene.world.planInput(scene.settings, facts));
    expect(forecast).toMatchObject({ durationMs: 1_800_000, blocked: [], undo: { how: "none-needed" } });
    expect(forecast.summary[0]).toBe(
      "watches for 30m 00s: 0 ms to 5m 00s every 15 s, 5m 00s to 30m 00s every 1m 00s",
    );
    const text = forecast.summary.join("\n");
    expect(text).toContain("before: 0.111 % of 120 requests a minute; here 120 requests a minute");
    expect(text).toMatch(
      /false rollback under 0\.1 %.*; (sees|cannot see) 2 %.*sees 5 % in .*; sees 10 % in /,
    );
    expect(text).toMatch(/needs \d+ requests to prove it; 3,600 are expected in 30m 00s, enough/);
  });

  it("promises nothing of a share of the traffic where the source cannot tell releases apart", async () => {
    const scene = sceneOf(steady(2, 0.001), { perRelease: false });
    const facts = await watch.gather!(scene.world.planContext(scene.settings));
    const textAt = (trafficPercent: number): string =>
      watch.plan({ ...scene.world.planInput(scene.settings, facts), trafficPercent }).summary.join("\n");
    expect(textAt(1)).toMatch(
      /cannot see: its source counts all releases together, and at 1 % of the traffic/,
    );
    expect(textAt(1)).not.toContain("sees ");
    expect(textAt(100)).toContain("sees 5 % in ");
  });

  it("says from when on a comparison acts, and reckons with it", async () => {
    const rules = ["errors: when error_rate > control + 1pp -> rollback"];
    const scene = sceneOf(steady(20, 0.001), { settings: { rules } });
    const facts = await watch.gather!(scene.world.planContext(scene.settings));
    const textAt = (trafficPercent: number): string =>
      watch.plan({ ...scene.world.planInput(scene.settings, facts), trafficPercent }).summary.join("\n");
    expect(textAt(50)).toContain("acts from 2m 30s on, after 10 looks at how traffic is shared out");
    expect(textAt(50)).toMatch(/sees 11 % in 2m 30s/);
    expect(textAt(100)).not.toContain("acts from");
  });

  it("has the same inputs, and measures nothing, when only what has moved is looked at", async () => {
    const scene = sceneOf(steady(2, 0.001));
    const context = scene.world.planContext(scene.settings);
    const planned = await watch.gather!(context);
    const again = await watch.gather!({ ...context, isRecheck: true });
    expect(Object.keys((planned as { before: object }).before)).toHaveLength(1);
    expect(again).toEqual({ before: {}, refused: [] });
    const inputsOf = (facts: Json) => watch.plan(scene.world.planInput(scene.settings, facts)).inputs;
    expect(inputsOf(again)).toEqual(inputsOf(planned));
  });

  it("is blocked by a rule that no source can answer, with what to write", async () => {
    const scene = sceneOf(steady(2, 0), {
      settings: { rules: [RULE, "other: when error_rate from datadog > 1% -> rollback"] },
    });
    const facts = await watch.gather!(scene.world.planContext(scene.settings));
    expect(watch.plan(scene.world.planInput(scene.settings, facts)).blocked).toEqual([
      { reason: "other: there is no source datadog", fix: "sources that give it: prom" },
    ]);
  });

  it("says of a first release which rules have nothing to compare with, and what follows", async () => {
    const rules = [
      RULE,
      "worse: when error_rate > baseline(before 1h) * 3 -> rollback",
      "other: when error_rate > control * 2 -> page",
    ];
    const scene = sceneOf(steady(10, 0), { settings: { rules } });
    const input = { ...scene.world.planInput(scene.settings, null), previousRelease: undefined };
    const lines = watch.plan(input).summary.filter((line) => line.includes("cannot be decided"));
    expect(lines).toEqual([
      "  cannot be decided: there is no earlier release to compare with; at the end a person is asked",
      "  cannot be decided: there is no earlier release to compare with; at the end it writes that down",
    ]);
  });

  it("divides the risk of a false rollback among those rules alone that have one", async () => {
    const oddsOf = async (more: string[]): Promise<string | undefined> => {
      const probes = [{ name: "health", path: "/" }];
      const scene = sceneOf(steady(10, 0.001), { settings: { rules: [RULE, ...more], probes } });
      const facts = await watch.gather!(scene.world.planContext(scene.settings));
      return watch.plan(scene.world.planInput(scene.settings, facts)).summary[3];
    };
    const alone = await oddsOf([]);
    expect(alone).toContain("sees 5 % in");
    const literal = [
      "up: when probe(health) fails for 3 of 3 -> rollback",
      "many: when error_rate > 50% for 1m strictly -> rollback",
      "good: expect error_rate < 1% -> fail-gate",
    ];
    expect(await oddsOf(literal)).toBe(alone);
    expect(await oddsOf(["slow: when error_rate > 2% -> rollback"])).not.toBe(alone);
  });

  it("names the metric that was meant where no source gives what is written", async () => {
    const scene = sceneOf(steady(10, 0), {
      settings: { rules: ["errors: when error_rat > 1% -> rollback"] },
    });
    const prom = scene.world.planContext(scene.settings).sources.prom!;
    const deaf = { ...prom, gives: () => undefined };
    const context = { ...scene.world.planContext(scene.settings), sources: { prom: deaf } };
    const facts = await watch.gather!(context);
    expect(watch.plan(scene.world.planInput(scene.settings, facts)).blocked).toEqual([
      {
        reason: "errors: no source gives error_rat",
        fix: "did you mean error_rate? Otherwise declare it under the environment's signals",
      },
    ]);
  });
});
