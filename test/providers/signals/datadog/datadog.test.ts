import { client, v1 } from "@datadog/datadog-api-client";
import { describe, expect, it } from "vitest";
import type { Metric } from "../../../../src/model/metric.ts";
import type { SeriesAnswer, SignalSource } from "../../../../src/model/signal-source.ts";
import { datadogSignals } from "../../../../src/providers/signals/datadog/index.ts";
import { API_KEY, APPLICATION_KEY } from "../../../support/datadog-emulator.ts";
import { openWorld, QUERIES, sendAll, T0 } from "./world.ts";

const ERROR_RATE: Metric = { kind: "error_rate" };
const { signal } = new AbortController();

function ask(source: SignalSource, metric: Metric, change: object = {}): Promise<SeriesAnswer> {
  const question = { metric, release: "v2", fromMs: T0, toMs: T0 + 60_000, stepMs: 30_000, ...change };
  return source.query(question, signal);
}

describe("Datadog's own client", () => {
  /** It sends and reads by the description that Datadog publishes of its API. */
  function officialClient(url: string) {
    const configuration = client.createConfiguration({
      baseServer: new client.BaseServerConfiguration(url, {}),
      authMethods: { apiKeyAuth: API_KEY, appKeyAuth: APPLICATION_KEY },
    });
    return {
      metrics: new v1.MetricsApi(configuration),
      authentication: new v1.AuthenticationApi(configuration),
    };
  }

  it("asks what we ask, by the same path, parameters and headers", async () => {
    await using world = await openWorld();
    sendAll(world.emulator, T0, T0 + 60_000);
    const source = world.open();
    await source.check([ERROR_RATE], "v2", signal);
    await ask(source, ERROR_RATE);
    const ours = world.emulator.requests.splice(0);
    const official = officialClient(world.emulator.url);
    for (const { path } of ours) {
      const { pathname, searchParams } = new URL(path, "http://host");
      const name = pathname.split("/").at(-1)!;
      if (pathname === "/api/v1/validate") await official.authentication.validate();
      else if (pathname === "/api/v1/query")
        await official.metrics.queryMetrics({
          from: Number(searchParams.get("from")),
          to: Number(searchParams.get("to")),
          query: searchParams.get("query")!,
        });
      else await official.metrics.getMetricMetadata({ metricName: name });
    }
    const words = ({ path, headers }: (typeof ours)[number]) => {
      const { pathname, searchParams } = new URL(path, "http://host");
      return [
        pathname,
        Object.fromEntries(searchParams),
        headers["dd-api-key"],
        headers["dd-application-key"] ?? APPLICATION_KEY, // validate takes the API key alone
      ];
    };
    expect(ours.length).toBeGreaterThan(5);
    expect(world.emulator.requests.map(words)).toEqual(ours.map(words));
  });

  it("reads what the emulator answers as we do, with every field that it knows", async () => {
    await using world = await openWorld();
    sendAll(world.emulator, T0, T0 + 60_000);
    const { metrics, authentication } = officialClient(world.emulator.url);
    expect(await authentication.validate()).toMatchObject({ valid: true });
    const answer = await metrics.queryMetrics({
      from: T0 / 1000,
      to: T0 / 1000 + 79,
      query: "sum:http.hits{service:shop,version:v2}.as_count().rollup(sum, 20)",
    });
    expect(answer).toMatchObject({ status: "ok", resType: "time_series", fromDate: T0, toDate: T0 + 79_000 });
    const [series] = answer.series!;
    expect(series).toMatchObject({ metric: "http.hits", interval: 20, length: 4, aggr: "sum", start: T0 });
    expect(series!.pointlist).toEqual([
      [T0, 80],
      [T0 + 20_000, 80],
      [T0 + 40_000, 80],
      [T0 + 60_000, null],
    ]);
    await expect(metrics.getMetricMetadata({ metricName: "http.hits" })).resolves.toMatchObject({
      type: "count",
    });
    await expect(metrics.getMetricMetadata({ metricName: "none" })).rejects.toMatchObject({ code: 404 });
    world.emulator.throttle(3);
    await expect(authentication.validate()).rejects.toMatchObject({ code: 429 });
    world.emulator.revoke("api");
    await expect(authentication.validate()).rejects.toMatchObject({ code: 403 });
  });
});

describe("counts", () => {
  it("are the sums of each step, and none of bad is 0 where there is a total", async () => {
    await using world = await openWorld();
    sendAll(world.emulator, T0, T0 + 30_000);
    const tags = ["service:shop", "version:v2"];
    world.emulator.send([{ metric: "http.hits", tags, at: T0 / 1000 + 35, value: 5 }]);
    expect(await ask(world.open(), ERROR_RATE, { toMs: T0 + 90_000 })).toEqual({
      state: "counts",
      points: [
        { fromMs: T0, toMs: T0 + 30_000, bad: 9, total: 120 },
        { fromMs: T0 + 30_000, toMs: T0 + 60_000, bad: 0, total: 5 },
      ],
    });
    expect(
      world.emulator.requests.map(({ path }) => new URL(path, "http://h").searchParams.get("query")),
    ).toEqual([
      "sum:http.errors{service:shop,version:v2}.as_count().rollup(sum, 10)",
      "sum:http.hits{service:shop,version:v2}.as_count().rollup(sum, 10)",
    ]);
  });

  it("of a span are those of the points that begin in it, so that nothing from before comes in", async () => {
    await using world = await openWorld();
    const tags = ["service:shop", "version:v2"];
    world.emulator.send([
      { metric: "http.hits", tags, at: T0 / 1000 + 5, value: 1000 },
      { metric: "http.hits", tags, at: T0 / 1000 + 12, value: 7 },
      { metric: "http.hits", tags, at: T0 / 1000 + 41, value: 8 },
    ]);
    const source = world.open();
    const fromMs = T0 + 5_500;
    expect(await ask(source, ERROR_RATE, { fromMs, toMs: fromMs + 60_000 })).toEqual({
      state: "counts",
      points: [
        { fromMs, toMs: fromMs + 30_000, bad: 0, total: 7 },
        { fromMs: fromMs + 30_000, toMs: fromMs + 60_000, bad: 0, total: 8 },
      ],
    });
    expect(source.traits).toEqual({ lagMs: 70_000, floorMs: 10_000, history: "range" });
  });

  it("add up to the same however the time is cut, also into spans in which no point begins", async () => {
    await using world = await openWorld();
    sendAll(world.emulator, T0, T0 + 300_000);
    const fromMs = T0 + 3_000;
    const source = world.open();
    const sums = async (stepMs: number): Promise<unknown> => {
      const answer = await ask(source, ERROR_RATE, { fromMs, toMs: fromMs + 210_000, stepMs });
      if (answer.state !== "counts") throw new Error(JSON.stringify(answer));
      expect(answer.points).toHaveLength(210_000 / stepMs);
      const add = (key: "bad" | "total") => answer.points.reduce((sum, point) => sum + point[key], 0);
      return [add("bad"), add("total")];
    };
    for (const stepMs of [210_000, 105_000, 35_000, 15_000, 7_000, 3_000])
      expect(await sums(stepMs), String(stepMs)).toEqual([21 * 3, 21 * 40]);
    world.emulator.requests.length = 0;
    const rest = await ask(source, ERROR_RATE, { fromMs: T0 + 1_000, toMs: T0 + 8_000, stepMs: 7_000 });
    expect(rest).toMatchObject({ state: "counts", points: [{ bad: 0, total: 0 }] });
    expect(world.emulator.requests).toEqual([]);
  });

  it("of a long time are asked for in pieces that keep their resolution", async () => {
    await using world = await openWorld();
    const tags = ["service:shop", "version:v2"];
    world.emulator.send(
      Array.from({ length: 24 }, (_, hour) => ({
        metric: "http.hits",
        tags,
        at: T0 / 1000 + hour * 3600 + 1800,
        value: hour,
      })),
    );
    const answer = await ask(world.open(), ERROR_RATE, { toMs: T0 + 86_400_000, stepMs: 60_000 });
    if (answer.state !== "counts") throw new Error(JSON.stringify(answer));
    expect(answer.points.map(({ total }) => total)).toEqual(Array.from({ length: 24 }, (_, hour) => hour));
    expect(world.emulator.requests.length).toBeGreaterThan(10);
    const refused = await ask(world.open(), ERROR_RATE, { toMs: T0 + 30 * 86_400_000, stepMs: 60_000 });
    expect(refused).toMatchObject({ state: "error", isLasting: true });
  });

  it("are refused where Datadog's points are coarser than they must be", async () => {
    await using world = await openWorld();
    sendAll(world.emulator, T0, T0 + 60_000);
    const coarse = await ask(world.open({ resolution: "1s" }), ERROR_RATE, {
      toMs: T0 + 3_600_000,
      stepMs: 1_000,
    });
    expect(coarse).toMatchObject({ state: "error", isLasting: true });
    expect((coarse as { reason: string }).reason).toContain("every 10 s, not every 1 s");
  });

  it("are an error when the bad are no part of the total", async () => {
    await using world = await openWorld();
    sendAll(world.emulator, T0, T0 + 60_000);
    const swapped = { error_rate: { bad: QUERIES.error_rate.total, total: QUERIES.error_rate.bad } };
    const answer = await ask(world.open({ queries: swapped }), ERROR_RATE);
    expect(answer).toMatchObject({ state: "error", isLasting: false });
    expect((answer as { reason: string }).reason).toContain("the first must be a part of the second");
  });

  it("are asked for by the release as Datadog keeps tags", async () => {
    await using world = await openWorld();
    await ask(world.open(), ERROR_RATE, { release: "Shop v2,env:*}" });
    expect(new URL(world.emulator.requests[0]!.path, "http://h").searchParams.get("query")).toBe(
      "sum:http.errors{service:shop,version:shop_v2_env:__}.as_count().rollup(sum, 10)",
    );
  });
});

describe("values", () => {
  it("are the last of each step with their greatest possible value, and times in ms", async () => {
    await using world = await openWorld();
    sendAll(world.emulator, T0, T0 + 60_000);
    const source = world.open();
    expect(await ask(source, { kind: "gauge", name: "pg_conn" })).toEqual({
      state: "values",
      points: [
        { atMs: T0 + 30_000, value: 60, max: 100 },
        { atMs: T0 + 60_000, value: 90, max: 100 },
      ],
    });
    expect(await ask(source, { kind: "query", name: "p95" })).toMatchObject({
      points: [{ value: 250 }, { value: 250 }],
    });
    const fromMs = T0 + 4_000;
    const between = await ask(source, { kind: "gauge", name: "pg_conn" }, { fromMs, toMs: fromMs + 30_000 });
    expect(between).toEqual({ state: "values", points: [{ atMs: fromMs + 30_000, value: 70, max: 100 }] });
    // None begins in so short a span: the one before reaches into it.
    const short = { fromMs: T0 + 12_000, toMs: T0 + 15_000, stepMs: 3_000 };
    expect(await ask(source, { kind: "gauge", name: "pg_conn" }, short)).toEqual({
      state: "values",
      points: [{ atMs: T0 + 15_000, value: 50, max: 100 }],
    });
    const texts = world.emulator.requests.map(({ path }) =>
      new URL(path, "http://h").searchParams.get("query"),
    );
    expect(new Set(texts)).toEqual(
      new Set([
        "max:postgresql.connections{env:prod}.fill(null).rollup(max, 10)",
        "max:postgresql.max_connections{env:prod}.fill(null).rollup(max, 10)",
        "p95:http.duration{service:shop}.rollup(10)",
      ]),
    );
  });
});

describe("errors", () => {
  it("of too many requests say when to ask again, by Datadog's own header", async () => {
    await using world = await openWorld();
    world.emulator.throttle(23);
    const answer = await ask(world.open(), { kind: "count", name: "failed_payments" });
    expect(answer).toEqual({
      state: "error",
      reason: "dd (datadog) answered 429: Rate limit of 100 requests in 60 seconds reached",
      isLasting: false,
      retryAfterMs: 23_000,
    });
  });

  it("of an application key that may not read last", async () => {
    await using world = await openWorld();
    world.emulator.revoke("application");
    const source = world.open();
    const reason = "dd (datadog) answered 403: Forbidden";
    expect(await ask(source, ERROR_RATE)).toEqual({ state: "error", reason, isLasting: true });
    expect(await source.check([ERROR_RATE], "v2", signal)).toEqual({
      verdict: "fail",
      reason: `error_rate: ${reason}`,
    });
  });
});

describe("the check before a plan", () => {
  it("passes what has data now, and a release that has none yet", async () => {
    await using world = await openWorld();
    const nowMs = Math.floor(Date.now() / 10_000) * 10_000;
    sendAll(world.emulator, nowMs - 60_000, nowMs);
    const metrics: Metric[] = [ERROR_RATE, { kind: "count", name: "failed_payments" }];
    for (const release of ["v2", "v3"])
      expect(await world.open().check(metrics, release, signal)).toEqual({
        verdict: "pass",
        reason: "dd (datadog) knows all of them",
      });
  });

  it("fails a metric that Datadog does not know, and a total of which there was nothing for a day", async () => {
    await using world = await openWorld();
    const longAgo = Date.now() - 3 * 86_400_000;
    sendAll(world.emulator, longAgo, longAgo + 10_000);
    const source = world.open({
      queries: { ...QUERIES, failed_payments: { events: "sum:payment.failed{*}" } },
    });
    expect(await source.check([{ kind: "count", name: "failed_payments" }], "v2", signal)).toEqual({
      verdict: "fail",
      reason: "count(failed_payments): Datadog knows no metric payment.failed",
    });
    expect(await source.check([ERROR_RATE], "v2", signal)).toEqual({
      verdict: "fail",
      reason: "error_rate: http.hits had no points in {service:shop} in the last 24 h",
    });
    expect(await source.check([{ kind: "gauge", name: "cpu" }], "v2", signal)).toMatchObject({
      verdict: "fail",
    });
  });
});

describe("settings", () => {
  const issues = (change: object): string[] =>
    datadogSignals.schema
      .safeParse({ apiKey: "env:A", applicationKey: "env:B", queries: QUERIES, ...change })
      .error?.issues.map(({ path, message }) => `${path.join(".")} ${message}`) ?? [];

  it("take one metric with a scope, and neither arithmetic nor groups nor a rollup of one's own", () => {
    expect(issues({})).toEqual([]);
    for (const events of [
      "sum:a{*} / sum:b{*}",
      "sum:a{*} by {host}",
      "sum:a{*}.rollup(sum, 60)",
      "sum:a",
      "a{*}",
    ])
      expect(issues({ queries: { e: { events } } }), events).not.toEqual([]);
    expect(issues({ queries: { error_rate: { bad: "avg:a{*}", total: "sum:b{*}" } } })).toEqual([
      "queries.error_rate.bad cannot begin with avg:, but with sum:, count:",
    ]);
  });

  it("want whole seconds, and some query", () => {
    expect(issues({ resolution: "500ms" })).toEqual(["resolution is not whole seconds, from 1s to 1h"]);
    expect(issues({ lag: "2h" })).toEqual(["lag is longer than 1h"]);
    expect(issues({ queries: {} })).toEqual(["queries is empty"]);
  });

  it("lead to the site's own address", () => {
    expect(issues({ site: "https://datadoghq.eu" })).not.toEqual([]);
    expect(issues({ site: "us5.datadoghq.com" })).toEqual([]);
  });
});
