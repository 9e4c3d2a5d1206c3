import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SeriesAnswer } from "../../../src/model/signal-source.ts";
import type { RuleReport, WatchReport } from "../../../src/model/watch-report.ts";
import { ruleText } from "../../../src/report/rule-text.ts";
import { plainStyle, widthOf } from "../../../src/report/text.ts";
import { watchLines } from "../../../src/report/watch-lines.ts";
import { watch } from "../../../src/steps/watch.ts";
import type { WatchFacts } from "../../../src/steps/watch/facts.ts";
import { resolve, RULE, sceneOf, steady, type Scene, type SceneOptions, type Script } from "./scene.ts";

let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((_, response) => response.writeHead(200).end());
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => new Promise((closed) => server.close(closed)));

interface Seen {
  report: WatchReport;
  now: Date;
}

/** What a watch shows of itself at some seconds of its life. */
async function seenAt(script: Script, seconds: number[], options: SceneOptions = {}): Promise<Seen[]> {
  const seen: Seen[] = [];
  const scene = sceneOf(script, {
    ...options,
    at: [
      ...seconds.map((second): [number, (own: Scene) => void] => [
        second,
        (own) => {
          const now = own.clock.now();
          seen.push({ report: reportOf(own, now.getTime())!, now });
        },
      ]),
      // By then it asks, or has ended.
      [5_000, ({ world }) => resolve(world, "failed")],
    ],
  });
  await scene.run();
  return seen;
}

/** As compose asks for it: what the step keeps while it goes on, and its evidence afterwards. */
function reportOf(
  { world, settings }: Scene,
  nowMs: number | undefined,
  facts: WatchFacts | null = null,
): WatchReport | undefined {
  const evidence = Object.fromEntries(world.evidence.map(({ name, content }) => [name, content]));
  return watch.watched!({ with: settings, facts, release: "v2", state: world.state(), evidence, nowMs });
}

function linesOf({ report, now }: Seen, columns = 80): string[] {
  return watchLines(report, now, { columns, style: plainStyle, indent: 6 });
}

function ruleOf(report: WatchReport | undefined, name: string): RuleReport {
  return report!.rules.find((rule) => rule.name === name)!;
}

const refused: SeriesAnswer = { state: "error", reason: "connection refused", isLasting: false };
const settings = {
  duration: "30m",
  rules: [
    RULE,
    "strict: when error_rate > 2% for 5m strictly -> hold",
    "quiet: expect error_rate < 1% for 10m -> fail-gate",
    "risen: when error_rate > baseline(before 1h) * 2 floor 0.5% -> rollback",
  ],
  shadow: ["shy: when error_rate > 0.1% -> rollback"],
};
/** Healthy for some minutes, then with 3 % errors. */
const worse: Script = { traffic: (second) => ({ perSecond: 10, bad: second < 300 ? 0.004 : 0.03 }) };

describe("a watch that is looked at while it goes on", () => {
  it("counts down by the wall clock when that had jumped", async () => {
    const scene = sceneOf(steady(50, 0), {
      settings: { duration: "10m", every: "15s" },
      at: [
        [120, ({ clock }) => clock.step(3_600_000)],
        [
          305,
          (own) => {
            const nowMs = own.clock.now().getTime();
            const { endsAtMs, stages, next } = reportOf(own, nowMs)!;
            left.push(endsAtMs - nowMs, stages[0]!.untilMs - nowMs, next!.lookAtMs - nowMs);
          },
        ],
      ],
    });
    const left: number[] = [];
    await scene.run();
    expect(left).toEqual([285_000, 285_000, 0]);
  });

  it("shows every rule as a sentence with its value, its evidence, and what comes next and when", async () => {
    const seen = await seenAt(worse, [130, 330, 345], { settings });
    const shown = seen.map((one) => linesOf(one).join("\n"));
    await expect(`${shown.join("\n\n")}\n`).toMatchFileSnapshot("goldens/watch-goes-on.txt");
  });

  it("says since when it is blind, that the clock stands still, and when a person is asked", async () => {
    const blind: Script = { ...steady(10, 0), fault: (second) => (second > 100 ? refused : undefined) };
    const [early, late] = await seenAt(blind, [160, 300], { world: { environment: { url } } });
    expect(linesOf(early!, 120).join("\n")).toMatch(
      /\n +connection refused, 0 of 900 in all · error\n +\S+ evidence \S+: is not seen: connection refused; counts as blind in 1m \d\ds\n/,
    );
    expect(linesOf(late!, 120).join("\n")).toMatch(
      /\n +blind since \S+ \S+ \(errors\): the clock stands still; a person is asked in [789]m \d\ds\n/,
    );
    expect(late!.report.blindSpans).toEqual([
      { fromMs: late!.report.next!.blind!.sinceMs, toMs: late!.now.getTime() },
    ]);
  });

  it("is no wider than the screen, whatever that is", async () => {
    for (const seen of await seenAt(worse, [130, 345], { settings }))
      for (const columns of [30, 40, 60, 80, 120])
        for (const line of linesOf(seen, columns)) expect(widthOf(line)).toBeLessThanOrEqual(columns);
  });

  it("says how often a probe failed, and when it acts", async () => {
    const [seen] = await seenAt(steady(10, 0), [100], {
      settings: {
        rules: ["up: when probe(health) fails for 2 of 3 -> rollback"],
        probes: [{ name: "health", path: "/" }],
      },
      world: { environment: { url } },
    });
    expect(linesOf(seen!, 120).slice(0, 2)).toEqual([
      "      up: rolls back when the probe health fails at 2 of 3 looks",
      expect.stringMatching(
        /^ {8}\d of \d answers good, the last in \d+ ms · ok · 0 of the last 3 failed; rolls back at 2$/,
      ),
    ]);
  });

  it("has nothing to say of what another version kept", () => {
    const kept = { with: {}, facts: null, release: "v2", state: { version: 1 }, evidence: {}, nowMs: 1 };
    expect(watch.watched!(kept)).toBeUndefined();
    expect(watch.watched!({ ...kept, evidence: { "watch.json": '{"version":99}' }, nowMs: undefined })).toBe(
      undefined,
    );
  });
});

describe("a watch that is looked at afterwards", () => {
  it("is told by its evidence as it was, also when the state is of another attempt", async () => {
    const scene = sceneOf(worse, { settings });
    expect(await scene.run()).toMatchObject({ outcome: "failed" });
    const report = reportOf(scene, undefined)!;
    const { definition } = scene.world.state() as { definition: { startedAtMs: number } };
    expect(report).toMatchObject({ startedAtMs: definition.startedAtMs, blindSpans: [] });
    expect(report.next).toBeUndefined();
    await scene.world.open(scene.settings, null).context.saveState({ version: 1 });
    expect(reportOf(scene, undefined)).toEqual(report);
  });

  it("says that it was blind to its end", async () => {
    const blind: Script = { ...steady(10, 0), fault: (second) => (second > 100 ? refused : undefined) };
    const scene = sceneOf(blind, {
      at: [[900, ({ world }) => resolve(world, "failed")]],
      world: { environment: { url } },
    });
    await scene.run();
    const [span, ...others] = reportOf(scene, undefined)!.blindSpans;
    expect(others).toEqual([]);
    const endedMs = scene.clock.now().getTime();
    expect(endedMs - span!.toMs).toBeLessThan(20_000);
    expect(endedMs - span!.fromMs).toBeGreaterThan(600_000);
  });

  it("prints the samples, the queries and the arithmetic of a decision", async () => {
    const scene = sceneOf(worse, { settings });
    await scene.run();
    const report = reportOf(scene, undefined)!;
    const declared = {
      prom: {
        kind: "prometheus",
        settings: {
          url: "http://127.0.0.1:9090",
          queries: {
            error_rate: { bad: 'requests{status=~"5.."}', total: "requests" },
            latency: { buckets: "request_seconds_bucket" },
          },
        },
      },
    };
    const shown = report.rules.map((rule) =>
      ruleText("watch", rule, declared, { columns: 100, style: plainStyle }).join("\n"),
    );
    await expect(`${shown.join("\n\n")}\n`).toMatchFileSnapshot("goldens/rules-afterwards.txt");
  });

  it("lists what a shadow rule would have done, and what a rule taken literally would have", async () => {
    const scene = sceneOf(worse, { settings });
    await scene.run();
    const report = reportOf(scene, undefined);
    expect(ruleOf(report, "shy").summary).toMatch(
      /^would have rolled back at 10:0\d:\d\dZ: error_rate > 0.1%: /,
    );
    expect(ruleOf(report, "errors").summary).toMatch(
      /^failed at 10:0\d:\d\dZ: .*; taken literally it would have rolled back at 10:0\d:\d\dZ$/,
    );
  });

  it("says how it was before the plan and during the watch", async () => {
    const scene = sceneOf(steady(10, 0.02), { settings });
    await scene.run();
    const before = {
      state: "counts" as const,
      bad: 6,
      total: 3000,
      perMinute: 50,
      dispersion: 1,
      burstMs: 0,
      spanMs: 3_600_000,
    };
    const facts = { before: { 'prom/{"kind":"error_rate"}': before }, refused: [] };
    const [source] = ruleOf(reportOf(scene, undefined, facts), "errors").sources;
    expect(source!.before).toBe("0.2 % (6 of 3,000) in the 1h 00m before the plan");
    expect(source!.during).toMatch(/^2 % \(\d+ of [\d,]+\)$/);
    expect(ruleOf(reportOf(scene, undefined), "errors").sources[0]).not.toHaveProperty("before");
  });

  it("says who let a breach stand", async () => {
    const scene = sceneOf(steady(10, 0.05), {
      settings: { rules: ["errors: when error_rate > 1% -> hold"] },
      at: [[200, ({ world }) => resolve(world, "done", "known")]],
    });
    await scene.run();
    expect(ruleOf(reportOf(scene, undefined), "errors").summary).toMatch(/; kim let it stand: known$/);
  });
});
