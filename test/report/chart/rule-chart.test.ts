import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  RuleReport,
  RuleSeries,
  RuleSourceReport,
  SeriesRow,
  WatchReport,
} from "../../../src/model/watch-report.ts";
import type { SeriesAnswer } from "../../../src/model/signal-source.ts";
import { ruleChart } from "../../../src/report/chart/rule-chart.ts";
import { watch } from "../../../src/steps/watch.ts";
import {
  RULE,
  resolve,
  sceneOf,
  steady,
  type Scene,
  type SceneOptions,
  type Script,
} from "../../steps/watch/scene.ts";

let server: Server;
let url: string;
beforeAll(async () => {
  server = createServer((_, response) => response.writeHead(200).end());
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((closed) => server.close(closed)));

const refused: SeriesAnswer = { state: "error", reason: "connection refused", isLasting: false };
const KILOBYTE = 1024;

/** What a watch that has ended says of itself, by its evidence. */
async function reportOf(script: Script, options: SceneOptions = {}): Promise<WatchReport> {
  const giveUp: [number, (scene: Scene) => void] = [150_000, ({ world }) => resolve(world, "failed")];
  const scene = sceneOf(script, { ...options, at: [...(options.at ?? []), giveUp] });
  await scene.run();
  const { world, settings } = scene;
  const evidence = Object.fromEntries(world.evidence.map(({ name, content }) => [name, content]));
  return watch.watched!({
    with: settings,
    facts: null,
    release: "v2",
    state: undefined,
    evidence,
    nowMs: undefined,
  })!;
}

function chartOf(report: WatchReport, name: string): string {
  const rule = ruleOf(report, name);
  return ruleChart("canary", report, rule, rule.sources[0]!);
}

function ruleOf(report: WatchReport, name: string): RuleReport {
  return report.rules.find((rule) => rule.name === name)!;
}

/** Healthy, then with 4 % errors. */
const worse: Script = { traffic: (second) => ({ perSecond: 10, bad: second < 300 ? 0.004 : 0.04 }) };
const STAGES = [
  { name: "first-minutes", until: "5m", every: "15s" },
  { name: "half-hour", until: "30m", every: "1m" },
];
const DAY = [
  ...STAGES,
  { name: "two-hours", until: "2h", every: "1m" },
  { name: "day", until: "24h", every: "5m" },
];

/** Varies over the day, with one short peak in the night. */
const daily: Script = {
  traffic: (second) => ({
    perSecond: 10,
    bad: second >= 50_000 && second < 50_400 ? 0.012 : 0.002 + 0.0015 * Math.sin(second / 9000),
  }),
};

describe("the chart of a rule", () => {
  it("shows a healthy rule to its end, below its limit", async () => {
    const report = await reportOf(steady(10, 0.002), { settings: { stages: STAGES } });
    await expect(chartOf(report, "errors")).toMatchFileSnapshot("goldens/healthy.svg");
  });

  it("shows when there was enough evidence to hold, when it was rolled back, and when it would have been, taken literally", async () => {
    const settings = { stages: STAGES, shadow: ["shy: when error_rate > 0.1% -> rollback"] };
    const report = await reportOf(worse, { settings });
    const svg = chartOf(report, "errors");
    expect(svg).toContain(">rolled back 10:10:00<");
    expect(svg).toContain(">evidence enough to hold 10:0");
    await expect(svg).toMatchFileSnapshot("../../../docs/images/rule-chart.svg");
    await expect(chartOf(report, "shy")).toMatchFileSnapshot("goldens/shadow.svg");
  });

  it("shades where the watch was blind, and draws nothing where there is no value", async () => {
    const blind: Script = {
      traffic: () => ({ perSecond: 42, bad: 0 }),
      fault: (second) => (second > 300 && second < 720 ? refused : undefined),
    };
    const report = await reportOf(blind, {
      settings: { stages: STAGES, rules: ["load: when gauge(load) > 90 -> hold"] },
      history: "now",
      form: "values",
      world: { environment: { url } },
    });
    expect(report.blindSpans).toHaveLength(1);
    const svg = chartOf(report, "load");
    expect(svg.match(/class="series"/g)).toHaveLength(3); // two pieces and the legend
    await expect(svg).toMatchFileSnapshot("goldens/blind.svg");
  });

  it("shows a day with its peak, in few bytes", async () => {
    const report = await reportOf(daily, { settings: { stages: DAY } });
    const svg = chartOf(report, "errors");
    expect(svg.length).toBeLessThan(60 * KILOBYTE);
    await expect(svg).toMatchFileSnapshot("goldens/day.svg");
  });
});

/** A report made by hand, of ten minutes. */
function madeUp(
  series: RuleSeries,
  change: Partial<RuleReport> = {},
): [WatchReport, RuleReport, RuleSourceReport] {
  const source: RuleSourceReport = { name: "prom", state: "ok", value: "", arithmetic: [], series };
  const rule: RuleReport = {
    name: "errors",
    text: RULE,
    sentence: "rolls back when the error rate is above 1 %",
    isShadow: false,
    deed: "rolled back",
    fromMs: FROM,
    untilMs: FROM + 600_000,
    verdict: "PASS",
    reason: "",
    summary: "passed: 0.2 %",
    sources: [source],
    ...change,
  };
  const report = { startedAtMs: FROM, endsAtMs: FROM + 600_000, stages: [], blindSpans: [], rules: [rule] };
  return [report, rule, source];
}

const FROM = Date.UTC(2026, 0, 5, 10);

function rowsOf(values: readonly (number | [string, number?])[]): SeriesRow[] {
  return values.map((value, index): SeriesRow => {
    const atMs = FROM + (index + 1) * 15_000;
    if (typeof value === "number") return { atMs, state: "ok", value, count: 500 };
    const [state, own] = value;
    return own === undefined ? { atMs, state } : { atMs, state, value: own, count: 4 };
  });
}

const chart = ([report, rule, source]: ReturnType<typeof madeUp>): string =>
  ruleChart("canary", report, rule, source);

describe("a chart of anything that a source can say", () => {
  it("lets no text of others become markup, and keeps what XML forbids out", () => {
    const svg = chart(
      madeUp(
        { unit: "%", limit: 1, rows: rowsOf([0.2, 0.4]) },
        {
          name: "<script>alert(1)</script>",
          sentence: `a "quoted" & 'odd' rule \u0000\u001b[31m\uffff\ud800 ]]>`,
          summary: "</text><image href='http://127.0.0.1/x'/>",
          accepted: { by: "<b>kim</b>", note: "", atMs: FROM + 30_000 },
        },
      ),
    );
    expect(svg).not.toMatch(/<script|<image|<b>/);
    // oxlint-disable-next-line no-control-regex -- these are what must not be there
    expect(svg).not.toMatch(/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/);
    expect(() => encodeURIComponent(svg)).not.toThrow(); // no half of a character
    expectWellFormed(svg);
  });

  it("is the same to the byte when it is drawn again", () => {
    const series = { unit: "ms", limit: 300, rows: rowsOf([120, 180.123456, ["error"], 210]) };
    expect(chart(madeUp(series))).toBe(chart(madeUp(structuredClone(series))));
  });

  it("has no column without its highest and its lowest value, however many there are", () => {
    const rows = Array.from({ length: 20_000 }, (_, index): SeriesRow => {
      const isPeak = index === 12_345;
      return { atMs: FROM + index * 30, state: isPeak ? "breach" : "ok", value: isPeak ? 90 : index % 7 };
    });
    const svg = chart(madeUp({ unit: "%", limit: 50, rows }));
    expect(svg.length).toBeLessThan(60 * KILOBYTE);
    const [, path = ""] = /class="series" d="([^"]+)"/.exec(svg)!;
    const ys = [...path.matchAll(/[ML,]?(-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
    const peak = ys.toSorted((a, b) => a[1]! - b[1]!)[0]!;
    const lefts = ys.map(([x]) => x!);
    const share = (peak[0]! - Math.min(...lefts)) / (Math.max(...lefts) - Math.min(...lefts));
    expect(share).toBeCloseTo(12_345 / 20_000, 2);
    expect(peak[1]).toBeLessThan(ys.toSorted((a, b) => a[1]! - b[1]!)[2]![1]! - 50);
  });

  it("lets a value of too few requests leave the scale, and says so", async () => {
    const svg = chart(
      madeUp({ unit: "%", limit: 1, rows: rowsOf([["unsure", 50], ["unsure", 20], 0.4, 0.3, 0.5]) }),
    );
    expect(svg).toContain(">up to 50 % of 4: too few to judge<");
    await expect(svg).toMatchFileSnapshot("goldens/too-few.svg");
  });

  it("says of a limit that moves that it is the last one, and of a long unit above the axis", async () => {
    const rows = rowsOf([31, 35, ["breach"], ["breach"], 40, 60, 88]);
    const svg = chart(
      madeUp(
        { unit: "% of max", limit: 90, limitMoves: true, rows },
        { metric: { kind: "gauge", name: "memory" } },
      ),
    );
    expect(svg).toContain(">limit at last 90 % of max<");
    await expect(svg).toMatchFileSnapshot("goldens/moving-limit.svg");
  });

  it("can be drawn of nothing, of nothing but failures, and of values below 0", () => {
    for (const rows of [[], rowsOf([["error"], ["error"]]), rowsOf([-3, -1, 0]), rowsOf([5])]) {
      const svg = chart(madeUp({ unit: "", rows }));
      expectWellFormed(svg);
      expect(svg).not.toContain("NaN");
    }
  });

  it("tells in its description what it shows", () => {
    const rows = rowsOf([0.2, ["error"], ["error"], 3]);
    const svg = chart(
      madeUp({ unit: "%", limit: 1, rows, failedAtMs: FROM + 60_000, literallyAtMs: FROM + 60_000 }),
    );
    expect(/<desc id="description">(.*)<\/desc>/.exec(svg)![1]).toBe(
      "From 2026-01-05T10:00:00Z to 2026-01-05T10:10:00Z. Between 0.2 % and 3 %, at last 3 %. Its limit is 1 %. " +
        "2026-01-05T10:01:00Z taken literally: would have rolled back. 2026-01-05T10:01:00Z rolled back. " +
        "Nothing is known from 2026-01-05T10:00:15Z to 2026-01-05T10:00:45Z.",
    );
  });
});

/** Every element is closed where it was opened, and quotes and signs are where they may be. */
function expectWellFormed(svg: string): void {
  const open: string[] = [];
  const rest = svg.replaceAll(
    /<(\/?)([a-zA-Z]+)((?: [a-zA-Z0-9:-]+="[^"<]*")*)(\/?)>/g,
    (_, end, name: string, __, alone) => {
      if (end !== "") expect(open.pop()).toBe(name);
      else if (alone === "") open.push(name);
      return "";
    },
  );
  expect(open).toEqual([]);
  expect(rest).not.toMatch(/[<]|&(?!#\d+;)/);
}
