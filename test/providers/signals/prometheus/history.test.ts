import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CountPoint, SeriesAnswer } from "../../../../src/model/signal-source.ts";
import { prometheusSignals } from "../../../../src/providers/signals/prometheus/index.ts";
import { hasPrometheus, openPrometheusWith, type PrometheusServer } from "../../../support/prometheus.ts";
import { signalPorts } from "../../../support/signal-ports.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Two days ago, on a whole hour. */
const DAY = Math.floor((Date.now() - 48 * HOUR) / HOUR) * HOUR;
const SCRAPE = 15_000;
const signal = new AbortController().signal;
const isThere = await hasPrometheus();

/** A counter of its own for each story; time 0 is DAY. Metrics are read from -1 h to +3 h, where nothing else is said. */
interface Story {
  /** While the metric is read at all, by another series of it. */
  read?: (atMs: number) => boolean;
  /** Undefined: not sampled. */
  value: (atMs: number) => number | undefined;
  /** When the process of the series began, where it says so. */
  start?: (atMs: number) => number;
}

const perMinute = (atMs: number): number => Math.floor((atMs + HOUR) / MINUTE) + 1000;
const within = (atMs: number, fromMs: number, toMs: number): boolean => atMs >= fromMs && atMs < toMs;

const stories = {
  steady: { value: perMinute },
  /** Scrapes fail from 60 to 64 min. */
  short_gap: { value: (at) => (within(at, HOUR, HOUR + 4 * MINUTE) ? undefined : perMinute(at)) },
  /** Prometheus itself is away from 60 to 70 min. */
  outage: {
    read: (at) => !within(at, HOUR, HOUR + 10 * MINUTE),
    value: (at) => (within(at, HOUR, HOUR + 10 * MINUTE) ? undefined : perMinute(at)),
  },
  /** Cannot be reached from 30 min on and comes back at 70 min, while others go on being read. */
  away: { value: (at) => (within(at, HOUR / 2, HOUR + 10 * MINUTE) ? undefined : perMinute(at)) },
  /** Is there from 60 min on, with 40 counted before the first scrape. */
  born: { value: (at) => (at < HOUR ? undefined : 40 + Math.floor((at - HOUR) / MINUTE)) },
  /** Prometheus begins to read the metric at 60 min; the counter has run for long. */
  found: { read: (at) => at >= HOUR, value: (at) => (at < HOUR ? undefined : perMinute(at)) },
  /** Starts again at 60 and at 61 min. */
  restarts: {
    value: (at) => (at < HOUR ? perMinute(at) : at < HOUR + MINUTE ? 3 : 1),
  },
  /** Starts again at 60 min, and has more at the next scrape than it had before. */
  outgrows: {
    value: (at) => (at < HOUR ? 5 : 47),
    start: (at) => (at < HOUR ? 0 : HOUR - 5000),
  },
  /** Its process says another time each time, as when the machine's clock is being adjusted. */
  jitters: { value: perMinute, start: (at) => 1000 * (Math.abs(at / SCRAPE) % 2) },
} satisfies Record<string, Story>;

describe.skipIf(!isThere)("the history of a real Prometheus", () => {
  let server: PrometheusServer;
  beforeAll(async () => {
    server = await openPrometheusWith(samplesOf(stories));
  });
  afterAll(() => server?.close());

  /** Minute by minute what was counted from 30 to 90 min: one at the beginning of each minute, 31 to 90. */
  const counted = async (name: string, fromMs = HOUR / 2, toMs = 1.5 * HOUR): Promise<SeriesAnswer> => {
    const source = prometheusSignals.open(
      "metrics",
      { url: server.url, queries: { it: { events: `${name}_total{of="it"}` } } },
      signalPorts(),
    );
    const range = { fromMs: DAY + fromMs, toMs: DAY + toMs };
    return await source.query(
      { metric: { kind: "count", name: "it" }, release: "v2", ...range, stepMs: MINUTE },
      signal,
    );
  };

  it.each([
    ["steady", "counts what comes every minute", 60],
    ["short_gap", "counts what came while scrapes failed", 60],
    ["outage", "knows nothing of the time in which Prometheus was away", 29 + 20],
    ["away", "does not take a series that comes back for a new one", 20],
    ["born", "counts a new series from 0", 40 + 30],
    ["found", "does not count what an old counter has when Prometheus first reads it", 30],
    ["restarts", "counts what a counter has after it began anew", 29 + 3 + 1],
    [
      "outgrows",
      "counts what a counter has whose process began anew, also when that is more than before",
      47,
    ],
    ["jitters", "takes no process for a new one whose start is off by a second", 60],
  ])("%s: %s", async (name, _what, total) => {
    expect(sum(await counted(name))).toBe(total);
  });

  it("comes to the same in pieces as at once", async () => {
    for (const name of Object.keys(stories)) {
      const whole = await counted(name);
      const pieces: CountPoint[] = [];
      for (let from = HOUR / 2; from < 1.5 * HOUR; from += 5 * MINUTE) {
        const piece = await counted(name, from, from + 5 * MINUTE);
        if (piece.state === "counts") pieces.push(...piece.points);
      }
      expect(pieces, name).toEqual(whole.state === "counts" ? whole.points : []);
    }
  });

  it("has a span for every minute in which the metric was read, and none for the others", async () => {
    const minutes = async (name: string): Promise<number[]> => {
      const answer = await counted(name);
      return answer.state === "counts" ? answer.points.map(({ toMs }) => (toMs - DAY) / MINUTE) : [];
    };
    const all = Array.from({ length: 60 }, (_, index) => 31 + index);
    expect(await minutes("steady")).toEqual(all);
    expect(await minutes("born")).toEqual(all);
    expect(await minutes("outage")).toEqual(all.filter((minute) => minute <= 60 || minute >= 70));
    expect(await minutes("found")).toEqual(all.filter((minute) => minute >= 60));
  });
});

/** OpenMetrics text: each metric with the series of the story and another one that tells that it is read. */
function samplesOf(all: Record<string, Story>): string {
  const times = Array.from({ length: (4 * HOUR) / SCRAPE + 1 }, (_, index) => index * SCRAPE - HOUR);
  const lines = Object.entries(all).flatMap(([name, { read = () => true, value }]) => [
    `# TYPE ${name} counter`,
    ...times.flatMap((at) => {
      const own = value(at);
      return own === undefined
        ? []
        : [`${name}_total{of="it",instance="${name}"} ${own} ${(DAY + at) / 1000}`];
    }),
    ...times.filter(read).map((at) => `${name}_total{of="other"} 5 ${(DAY + at) / 1000}`),
  ]);
  const starts = Object.entries(all).flatMap(([name, { start }]) =>
    start === undefined
      ? []
      : times.map(
          (at) =>
            `process_start_time_seconds{instance="${name}"} ${DAY / 1000 + start(at) / 1000} ${(DAY + at) / 1000}`,
        ),
  );
  return `${[...lines, "# TYPE process_start_time_seconds gauge", ...starts].join("\n")}\n# EOF\n`;
}

function sum(answer: SeriesAnswer): number | SeriesAnswer {
  return answer.state === "counts" ? answer.points.reduce((all, { bad }) => all + bad, 0) : answer;
}
