import * as sentry from "@sentry/api";
import { describe, expect, it } from "vitest";
// The package's index names its files without endings, so that TypeScript would take everything in it for any.
import type {
  ListAnOrganizationSReleasesData,
  ListAnOrganizationSissuesData,
  QueryExploreEventsInTimeseriesFormatData,
  RetrieveAnOrganizationSReleaseData,
  RetrieveReleaseHealthSessionStatisticsData,
} from "../../../../node_modules/@sentry/api/dist/types.gen.d.ts";
import type { Metric } from "../../../../src/model/metric.ts";
import type { SignalKind } from "../../../../src/model/signal-kind.ts";
import type { SeriesAnswer, SignalSource } from "../../../../src/model/signal-source.ts";
import { sentrySessionSignals, sentrySignals } from "../../../../src/providers/signals/sentry/index.ts";
import { ORGANIZATION, TOKEN } from "../../../support/sentry-emulator.ts";
import { HOUR_MS, NOW, openWorld, RELEASE, T0 } from "./world.ts";

const ERRORS: Metric = { kind: "count", name: "errors" };
const NEW_GROUPS: Metric = { kind: "count", name: "new_error_groups" };
const CRASHED: Metric = { kind: "query", name: "crashed_sessions" };
const ERRORED: Metric = { kind: "query", name: "errored_sessions" };
const { signal } = new AbortController();

function ask(source: SignalSource, metric: Metric, change: object = {}): Promise<SeriesAnswer> {
  const question = { metric, release: "v2", fromMs: T0, toMs: T0 + 120_000, stepMs: 60_000, ...change };
  return source.query(question, signal);
}

const path = { organization_id_or_slug: ORGANIZATION };
const scope = { project: [7, 8], environment: ["production", "eu"] };

/** The queries that we mean to send, as Sentry's published description has them. */
const series: QueryExploreEventsInTimeseriesFormatData["query"] = {
  // Not listed there; Sentry's source takes it: src/sentry/snuba/utils.py, DATASET_OPTIONS.
  dataset: "errors" as "spans",
  yAxis: "count()",
  interval: 10,
  start: "2026-01-05T10:00:00.000",
  end: "2026-01-05T10:02:00.000",
  query: `release:"${RELEASE}" !level:info`,
  ...scope,
};
const issues: ListAnOrganizationSissuesData["query"] = {
  query: `firstRelease:"${RELEASE}" !level:info`,
  sort: "new",
  limit: 100,
  collapse: ["stats"],
  ...scope,
};
const sessions: RetrieveReleaseHealthSessionStatisticsData["query"] = {
  field: ["sum(session)"],
  groupBy: ["session.status"],
  interval: "1h",
  start: "2026-01-05T10:00:00.000",
  end: "2026-01-05T12:00:00.000",
  query: `release:"${RELEASE}"`,
  includeTotals: 0,
  ...scope,
};
const releases: ListAnOrganizationSReleasesData["query"] = { query: "shop@" };
const release: RetrieveAnOrganizationSReleaseData["path"] = { ...path, version: RELEASE };

describe("Sentry's own client", () => {
  const settings = { projects: scope.project, environments: scope.environment };
  const options = (url: string) => ({ baseUrl: url, headers: { Authorization: `Bearer ${TOKEN}` } });

  it.each<
    [
      string,
      SignalKind,
      object,
      (source: SignalSource) => Promise<unknown>,
      (url: string) => Promise<unknown>,
    ]
  >([
    [
      "error events",
      sentrySignals,
      { search: "!level:info" },
      (source) => ask(source, ERRORS),
      async (url) => {
        await sentry.retrieveAnOrganization_sRelease({ ...options(url), path: release });
        await sentry.queryExploreEventsInTimeseriesFormat({ ...options(url), path, query: series });
      },
    ],
    [
      "new issues",
      sentrySignals,
      { search: "!level:info" },
      (source) => ask(source, NEW_GROUPS),
      async (url) => {
        await sentry.retrieveAnOrganization_sRelease({ ...options(url), path: release });
        await sentry.listAnOrganization_sIssues({ ...options(url), path, query: issues });
      },
    ],
    [
      "sessions",
      sentrySessionSignals,
      {},
      (source) => ask(source, CRASHED, { toMs: T0 + 2 * HOUR_MS, stepMs: HOUR_MS }),
      async (url) => {
        await sentry.retrieveAnOrganization_sRelease({ ...options(url), path: release });
        await sentry.retrieveReleaseHealthSessionStatistics({ ...options(url), path, query: sessions });
      },
    ],
    [
      "releases",
      sentrySignals,
      {},
      (source) => source.check([], "v2", signal),
      async (url) => {
        await sentry.listAnOrganization_sReleases({ ...options(url), path, query: releases });
      },
    ],
  ])("asks for %s as we do", async (_what, kind, more, ours, theirs) => {
    await using world = await openWorld();
    await ours(world.open(kind, { ...settings, ...more }));
    const asked = world.emulator.requests.splice(0).map(words);
    await theirs(world.emulator.url);
    expect(asked.length).toBeGreaterThan(0);
    expect(world.emulator.requests.map(words)).toEqual(asked);
  });

  function words({
    path: address,
    headers,
  }: {
    path: string;
    headers: { authorization?: string | undefined };
  }) {
    const { pathname, searchParams } = new URL(address, "http://host");
    return [
      pathname,
      [...searchParams].toSorted(([a, b], [c, d]) => (`${a}=${b}` < `${c}=${d}` ? -1 : 1)),
      headers.authorization,
    ];
  }

  it("reads what the emulator answers, refusals too", async () => {
    await using world = await openWorld();
    const { data } = await sentry.queryExploreEventsInTimeseriesFormat({
      ...options(world.emulator.url),
      path,
      query: series,
    });
    expect(data).toMatchObject({ timeSeries: [{ yAxis: "count()", meta: { interval: 10_000 } }] });
    const refused = await sentry.listAnOrganization_sIssues({
      baseUrl: world.emulator.url,
      path,
      query: issues,
    });
    expect(refused).toMatchObject({ error: { detail: "Invalid token" }, response: { status: 401 } });
  });
});

describe("error events", () => {
  it("are counted for each step, 0 where there were none", async () => {
    await using world = await openWorld();
    expect(
      await ask(world.open(sentrySignals), ERRORS, { fromMs: T0 + 480_000, toMs: T0 + 720_000 }),
    ).toEqual({
      state: "counts",
      points: [
        { fromMs: T0 + 480_000, toMs: T0 + 540_000, bad: 3, total: 0 },
        { fromMs: T0 + 540_000, toMs: T0 + 600_000, bad: 3, total: 0 },
        { fromMs: T0 + 600_000, toMs: T0 + 660_000, bad: 0, total: 0 },
        { fromMs: T0 + 660_000, toMs: T0 + 720_000, bad: 0, total: 0 },
      ],
    });
  });

  it("are those that meet the conditions of the runbook", async () => {
    await using world = await openWorld();
    world.emulator.addErrors([{ release: RELEASE, atMs: T0 + 30_000, level: "info" }]);
    const bad = async (settings: object): Promise<unknown> => {
      const answer = await ask(world.open(sentrySignals, settings), ERRORS, { toMs: T0 + 60_000 });
      return answer.state === "counts" ? answer.points[0]!.bad : answer;
    };
    expect(await bad({})).toBe(4);
    expect(await bad({ search: "!level:info" })).toBe(3);
  });

  it("that are still coming in are not known yet", async () => {
    await using world = await openWorld();
    world.emulator.setNow(T0 + 150_000);
    expect(await ask(world.open(sentrySignals), ERRORS)).toEqual({
      state: "counts",
      points: [{ fromMs: T0, toMs: T0 + 60_000, bad: 3, total: 0 }],
    });
    world.emulator.setNow(T0 + 60_000);
    expect(await ask(world.open(sentrySignals), ERRORS)).toMatchObject({ state: "no-data" });
  });

  it("belong to the span in which their bucket begins, also into spans in which none begins", async () => {
    await using world = await openWorld();
    const fromMs = T0 + 8_000;
    const source = world.open(sentrySignals);
    for (const stepMs of [120_000, 60_000, 7_500]) {
      const answer = await ask(source, ERRORS, { fromMs, toMs: fromMs + 120_000, stepMs });
      if (answer.state !== "counts") throw new Error(JSON.stringify(answer));
      expect(answer.points).toHaveLength(120_000 / stepMs);
      expect(answer.points.reduce((sum, { bad }) => sum + bad, 0)).toBe(6);
    }
  });
});

describe("new issues", () => {
  it("are counted when they are first seen, on whichever page", async () => {
    await using world = await openWorld();
    world.emulator.addIssues(
      Array.from({ length: 250 }, (_, index) => ({
        firstRelease: RELEASE,
        firstSeenMs: T0 + 3_600_000 + index,
      })),
    );
    const answer = await ask(world.open(sentrySignals), NEW_GROUPS, { toMs: T0 + 480_000, stepMs: 240_000 });
    expect(answer).toEqual({
      state: "counts",
      points: [
        { fromMs: T0, toMs: T0 + 240_000, bad: 1, total: 0 },
        { fromMs: T0 + 240_000, toMs: T0 + 480_000, bad: 1, total: 0 },
      ],
    });
    expect(world.emulator.requests.filter(({ path: address }) => address.includes("/issues/"))).toHaveLength(
      3,
    );
  });

  it("are not guessed at when there are more than can be read", async () => {
    await using world = await openWorld();
    world.emulator.addIssues(
      Array.from({ length: 2_100 }, (_, index) => ({ firstRelease: RELEASE, firstSeenMs: T0 + index })),
    );
    expect(await ask(world.open(sentrySignals), NEW_GROUPS)).toEqual({
      state: "error",
      reason: "sentry (sentry) has more than 2000 new issues",
      isLasting: false,
    });
  });
});

describe("sessions", () => {
  const hours = { toMs: T0 + 2 * HOUR_MS, stepMs: HOUR_MS };

  it("are counted by the hour: those that crashed, and all that were not healthy", async () => {
    await using world = await openWorld();
    const source = world.open(sentrySessionSignals);
    const counts = (bad: number): object => ({
      state: "counts",
      points: [
        { fromMs: T0, toMs: T0 + HOUR_MS, bad, total: 100 },
        { fromMs: T0 + HOUR_MS, toMs: T0 + 2 * HOUR_MS, bad, total: 100 },
      ],
    });
    expect(await ask(source, CRASHED, hours)).toEqual(counts(10));
    expect(await ask(source, ERRORED, hours)).toEqual(counts(15));
    expect(source.traits).toEqual({ lagMs: HOUR_MS + 120_000, floorMs: HOUR_MS, history: "range" });
  });

  it("of the hour in which a release began are left out", async () => {
    await using world = await openWorld();
    const fromMs = T0 + 20 * 60_000;
    world.emulator.addSessions([{ release: RELEASE, atMs: T0 + 60_000, status: "crashed", count: 1000 }]);
    expect(
      await ask(world.open(sentrySessionSignals), CRASHED, {
        fromMs,
        toMs: fromMs + HOUR_MS,
        stepMs: HOUR_MS,
      }),
    ).toEqual({ state: "counts", points: [{ fromMs, toMs: fromMs + HOUR_MS, bad: 10, total: 100 }] });
  });

  it("of a stage in which no hour begins are none, without asking, and come with the next", async () => {
    await using world = await openWorld();
    const source = world.open(sentrySessionSignals);
    const stage = { fromMs: T0 + 60_000, toMs: T0 + 360_000, stepMs: 300_000 };
    expect(await ask(source, CRASHED, stage)).toEqual({
      state: "counts",
      points: [{ fromMs: stage.fromMs, toMs: stage.toMs, bad: 0, total: 0 }],
    });
    const next = { fromMs: stage.toMs, toMs: T0 + HOUR_MS + 1, stepMs: HOUR_MS + 1 - 360_000 };
    expect(await ask(source, CRASHED, next)).toMatchObject({ points: [{ bad: 10, total: 100 }] });
  });

  it("are no data where there were none, and are asked for at most 40 days", async () => {
    await using world = await openWorld();
    const source = world.open(sentrySessionSignals);
    const before = { fromMs: T0 - 5 * HOUR_MS, toMs: T0 - HOUR_MS, stepMs: HOUR_MS };
    expect(await ask(source, CRASHED, before)).toMatchObject({ state: "no-data", raw: "[]" });
    const long = { fromMs: T0 - 50 * 24 * HOUR_MS, toMs: T0, stepMs: HOUR_MS };
    expect(await ask(source, CRASHED, long)).toMatchObject({ state: "error", isLasting: true });
  });
});

describe("a release", () => {
  it("that Sentry does not know has no data, and is looked for again", async () => {
    await using world = await openWorld();
    const source = world.open(sentrySignals);
    expect(await ask(source, ERRORS, { release: "v3" })).toEqual({
      state: "no-data",
      reason: "sentry (sentry) knows no release shop@v3",
      raw: "404",
    });
    world.emulator.addRelease("shop@v3");
    expect(await ask(source, ERRORS, { release: "v3" })).toMatchObject({ state: "counts" });
  });

  it("is one word of the search, whatever is in its name", async () => {
    await using world = await openWorld();
    world.emulator.addRelease('shop@a" OR release:*');
    await ask(world.open(sentrySignals), ERRORS, { release: 'a" OR release:*' });
    const last = new URL(world.emulator.requests.at(-1)!.path, "http://host");
    expect(last.searchParams.get("query")).toBe('release:"shop@a\\" OR release:\\*"');
  });

  it("of another naming than any in Sentry fails the check", async () => {
    await using world = await openWorld();
    const source = world.open(sentrySignals, { release: "web@{release}" });
    expect(await source.check([ERRORS], "v2", signal)).toEqual({
      verdict: "fail",
      reason:
        "sentry (sentry) has no release whose name begins with web@: create the release there before it is deployed (sentry-cli releases new)",
    });
  });
});

describe("errors", () => {
  it("of too many requests say when to ask again, by Sentry's own header", async () => {
    await using world = await openWorld();
    const source = world.open(sentrySignals);
    world.emulator.throttle(NOW + 17_500);
    expect(await ask(source, ERRORS)).toMatchObject({
      state: "error",
      isLasting: false,
      retryAfterMs: 17_500,
    });
    // Too many at the same time: the window is not what must be waited for.
    world.emulator.throttle(NOW - 5_000);
    expect(await ask(source, ERRORS)).toMatchObject({ retryAfterMs: 1_000 });
  });

  it("of an organization that is not there last, and are no unknown release", async () => {
    await using world = await openWorld();
    const source = world.open(sentrySignals, { organization: "acne" });
    expect(await ask(source, ERRORS)).toMatchObject({ state: "error", isLasting: true });
    expect(await source.check([ERRORS], "v2", signal)).toMatchObject({ verdict: "fail" });
  });
});

describe("the check before a plan", () => {
  it("passes for a release that is not deployed yet, and fails what the source does not measure", async () => {
    await using world = await openWorld();
    const source = world.open(sentrySignals);
    expect(await source.check([ERRORS, NEW_GROUPS], "v9", signal)).toEqual({
      verdict: "pass",
      reason: "sentry (sentry) answers",
    });
    expect(await source.check([{ kind: "count", name: "crashes" }], "v9", signal)).toEqual({
      verdict: "fail",
      reason: "sentry does not measure count(crashes)",
    });
  });

  it("wants {release} in the name of releases", () => {
    const settings = { organization: "acme", token: "env:T", release: "shop@v2" };
    expect(sentrySignals.schema.safeParse(settings).error?.issues[0]?.message).toBe(
      "does not contain {release}",
    );
  });
});
