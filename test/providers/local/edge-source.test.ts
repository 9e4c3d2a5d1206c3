import { appendFile, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { identify, sendSignal } from "../../../src/lib/process.ts";
import type { Metric } from "../../../src/model/metric.ts";
import type { SeriesAnswer, SeriesQuestion } from "../../../src/model/signal-source.ts";
import { column, columnsVersion, emptyRow, shortened } from "../../../src/providers/local/edge/columns.ts";
import { EdgeClient } from "../../../src/providers/local/edge-client.ts";
import {
  startEdge,
  type EdgeContext,
  type EdgeSettings,
} from "../../../src/providers/local/edge-launcher.ts";
import { EdgeSource } from "../../../src/providers/local/edge-source.ts";
import { createLayout } from "../../../src/providers/local/layout.ts";
import {
  signalSourceScenarios,
  type SignalSourceWorld,
  type SourceFault,
} from "../../../src/testing/index.ts";
import { askSource, type CounterReading } from "../../../src/steps/watch/ask-source.ts";
import { ask, documentOf, Rig, routeTo, until } from "./rig.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());
const { signal } = new AbortController();

const SPAN = 10_000;
const SPANS = 12;
/** Shorter than a span. */
const STEP = 250;
const CALL_LIMIT_MS = 500;
const METRICS: readonly Metric[] = [
  { kind: "error_rate" },
  { kind: "share", slowerThanMs: 500 },
  { kind: "quantile", percent: 95 },
  { kind: "count", name: "requests" },
  { kind: "count", name: "errors" },
  { kind: "count", name: "bad_clients" },
];

/** An edge that knows the last minutes from disk, as if it had been killed and started again. */
async function openWorld(): Promise<
  SignalSourceWorld & { context: EdgeContext; settings: EdgeSettings; endMs: number }
> {
  const folder = await rig.folder();
  const { edgeHistory } = createLayout(folder, "test");
  const endMs = Math.floor(systemClock.now().getTime() / SPAN) * SPAN;
  await writeSpans(edgeHistory, endMs, SPANS);
  const { context, settings, status } = await rig.edge(folder);
  rig.defer(() => wake(status.pid));
  const source = new EdgeSource(new EdgeClient(context.layout.sockets, CALL_LIMIT_MS), systemClock);
  const range = { release: "v2", fromMs: endMs - SPANS * SPAN, toMs: endMs, stepMs: 2 * SPAN };
  const [first, ...rest] = METRICS.map((metric): SeriesQuestion => ({ ...range, metric }));
  return {
    context,
    settings,
    endMs,
    source,
    questions: [first!, ...rest],
    foreign: [
      { kind: "gauge", name: "cpu" },
      { kind: "count", name: "orders" },
      { kind: "query", name: "mine" },
    ],
    behave: (fault) => behave(fault, context, settings, status.pid, endMs),
    secrets: ["pin-token"],
  };
}

/** In each span 100 requests, of which 3 failed, of 2 clients; 4 clients were new; 90 took up to 5 ms, 6 up to 750 ms, 1 had no answer. */
async function writeSpans(folder: string, endMs: number, spans: number): Promise<void> {
  const row = emptyRow();
  row[column.requests] = 100;
  row[column.errors] = 3;
  row[column.badClients] = 2;
  row[column.newClients] = 4;
  row[column.buckets] = 93;
  row[column.buckets + 10] = 6;
  await mkdir(folder, { recursive: true });
  for (let at = endMs - SPANS * SPAN, left = spans; left > 0; at += SPAN, left--) {
    const line = JSON.stringify({ at, rows: { v2: shortened(row) } });
    await appendFile(
      join(folder, `${new Date(at).toISOString().slice(0, 13)}.${columnsVersion}.jsonl`),
      `\n${line}`,
    );
  }
}

async function behave(
  fault: SourceFault,
  context: EdgeContext,
  settings: EdgeSettings,
  pid: number,
  endMs: number,
): Promise<void> {
  const { edgeHistory, sockets } = context.layout;
  if (fault === "hang") return sendSignal(identify(pid)!, "SIGSTOP");
  await kill(context, pid);
  if (fault === "refused") return;
  if (fault === "empty" || fault === "stale") {
    await rm(edgeHistory, { recursive: true });
    if (fault === "stale") await writeSpans(edgeHistory, endMs, SPANS / 2);
    await startEdge(context, settings);
    return;
  }
  await listenInstead(sockets, LIES[fault]!);
}

const LIES: Partial<Record<SourceFault, RequestListener>> = {
  broken: (_request, response) => response.writeHead(500).end("{}"),
  malformed: (_request, response) => response.end('{"isKnown":tr'),
  "too-large": (_request, response) => {
    const more = (): boolean => response.write("x".repeat(64 * 1024));
    response.on("drain", more);
    while (more());
  },
};

/** Something else at the edge's control socket. */
async function listenInstead(sockets: string, listener: RequestListener): Promise<void> {
  const server = createServer(listener);
  const path = join(sockets, "control.sock");
  await rm(path, { force: true });
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  rig.defer(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
}

async function kill(context: EdgeContext, pid: number): Promise<void> {
  sendSignal(identify(pid)!, "SIGKILL");
  await until(async () => (await context.client.status()) === undefined);
}

function wake(pid: number): void {
  const identity = identify(pid);
  if (identity !== undefined) sendSignal(identity, "SIGCONT");
}

describe("the edge as a source of series", () => {
  const scenarios = signalSourceScenarios({
    open: openWorld,
    cannot: {
      unauthorized: "its socket belongs to the same user",
      throttled: "it has no limit",
      "not-a-number": "what is not a whole answer of numbers is malformed",
    },
  });
  for (const { title, run } of scenarios) it(title, run);
});

describe("what the edge answers about the past", () => {
  it("counts, values and events of each step", async () => {
    const { source, questions, endMs } = await openWorld();
    const answers = await Promise.all(
      questions.map((question) =>
        source.query({ ...question, fromMs: endMs - 4 * SPAN, stepMs: 2 * SPAN }, signal),
      ),
    );
    const points = (bad: number, total: number, more = {}): SeriesAnswer => ({
      state: "counts",
      points: [-4, -2].map((from) => ({
        fromMs: endMs + from * SPAN,
        toMs: endMs + (from + 2) * SPAN,
        bad,
        total,
        ...more,
      })),
    });
    expect(answers).toEqual([
      points(6, 200, { visitors: 8 }),
      points(12, 198, { visitors: 8 }),
      {
        state: "values",
        points: [-2, 0].map((at) => ({ atMs: endMs + at * SPAN, value: 750 })),
      },
      points(200, 0),
      points(6, 0),
      points(4, 0),
    ]);
  });

  it("leaves out steps about which it does not know all", async () => {
    const { source, context, settings, questions, endMs } = await openWorld();
    await kill(context, (await context.client.status())!.pid);
    const file = (await readdir(context.layout.edgeHistory)).at(-1)!;
    await rm(context.layout.edgeHistory, { recursive: true });
    await writeSpans(context.layout.edgeHistory, endMs, 3);
    await writeFile(join(context.layout.edgeHistory, file), `\n{"at":${endMs - SPAN},"rows":{}}`, {
      flag: "a",
    });
    await startEdge(context, settings);
    const begin = endMs - SPANS * SPAN;
    expect(await source.query(questions[0], signal)).toEqual({
      state: "counts",
      points: [{ fromMs: begin, toMs: begin + 2 * SPAN, bad: 6, total: 200, visitors: 8 }],
    });
    expect(await source.query({ ...questions[0], stepMs: SPAN }, signal)).toMatchObject({
      points: [
        { total: 100 },
        { total: 100 },
        { total: 100 },
        { fromMs: endMs - SPAN, bad: 0, total: 0, visitors: 0 },
      ],
    });
    const before = { fromMs: begin - 4 * SPAN, toMs: begin };
    expect(await source.query({ ...questions[0], ...before }, signal)).toMatchObject({ state: "no-data" });
  });

  it("a whole day and what is older, however many spans that are", async () => {
    const { source, questions, endMs } = await openWorld();
    const begin = endMs - SPANS * SPAN;
    for (const spans of [8_640, 100_000]) {
      const question = { ...questions[0], fromMs: endMs - spans * SPAN, stepMs: SPAN };
      const answer = await source.query(question, signal);
      if (answer.state !== "counts") throw new Error(JSON.stringify(answer));
      expect(answer.points).toHaveLength(SPANS);
      expect(answer.points[0]).toEqual({
        fromMs: begin,
        toMs: begin + SPAN,
        bad: 3,
        total: 100,
        visitors: 4,
      });
    }
  });

  it("nothing between two bounds of its buckets, and which bounds there are", async () => {
    const { source, questions } = await openWorld();
    const metric: Metric = { kind: "share", slowerThanMs: 800 };
    const reason = "the edge does not count to a latency of 800 ms, but to 750 ms and 1000 ms";
    expect(await source.check([metric], "v2", signal)).toEqual({ verdict: "fail", reason });
    expect(await source.query({ ...questions[0], metric }, signal)).toEqual({
      state: "error",
      reason,
      isLasting: true,
    });
    const slow: Metric = { kind: "share", slowerThanMs: 90_000 };
    expect((await source.check([slow], "v2", signal)).reason).toContain("but to 60000 ms");
    const foreign: Metric = { kind: "count", name: "orders" };
    expect(await source.check([foreign], "v2", signal)).toMatchObject({ verdict: "fail" });
    expect(await source.query({ ...questions[0], metric: foreign }, signal)).toMatchObject({
      isLasting: true,
    });
  });
});

describe("what the edge answers about now", () => {
  async function serving() {
    const folder = await rig.folder();
    const app = await rig.app("v1", folder);
    const { context, port } = await rig.edge(folder);
    const source = new EdgeSource(context.client, systemClock);
    const query = (metric: Metric, release = "v1", stepMs = STEP): Promise<SeriesAnswer> => {
      const toMs = Math.floor(systemClock.now().getTime() / stepMs) * stepMs;
      return source.query({ metric, release, fromMs: toMs - stepMs, toMs, stepMs }, signal);
    };
    return { app, context, port, source, query };
  }

  it("counters that only grow, to questions of any step", async () => {
    const { app, context, port, query } = await serving();
    await context.client.putDocument(documentOf(1, [routeTo("v1", app.port, 100)]));
    for (const code of [200, 500, 503]) await ask(port, `/status?code=${code}`);
    expect(await query({ kind: "error_rate" })).toMatchObject({ state: "counter", bad: 2, total: 3 });
    expect(await query({ kind: "share", slowerThanMs: 10_000 })).toMatchObject({ bad: 0, total: 3 });
    expect(await query({ kind: "count", name: "requests" })).toMatchObject({ bad: 3, total: 0 });
    expect(await query({ kind: "count", name: "errors" })).toMatchObject({ bad: 2, total: 0 });
    const { toMs } = { toMs: Math.ceil(systemClock.now().getTime() / SPAN + 1) * SPAN };
    const source = new EdgeSource(context.client, systemClock);
    const question = { release: "v1", fromMs: toMs - SPAN, toMs, stepMs: SPAN };
    expect(await source.query({ ...question, metric: { kind: "error_rate" } }, signal)).toMatchObject({
      state: "counter",
      total: 3,
    });
    expect(await query({ kind: "share", slowerThanMs: 7 })).toMatchObject({
      state: "error",
      isLasting: true,
    });
  });

  it("a quantile of the last 10 to 20 s", async () => {
    const { app, context, port, query } = await serving();
    await context.client.putDocument(documentOf(1, [routeTo("v1", app.port, 100)]));
    const metric: Metric = { kind: "quantile", percent: 50 };
    expect(await query(metric)).toMatchObject({ state: "no-data" });
    const countsSinceMs = systemClock.now().getTime();
    await ask(port, "/slow?ms=120");
    // about a step that ended before the edge began to count it knows nothing
    await until(() => systemClock.now().getTime() >= countsSinceMs + STEP);
    const answer = await query(metric);
    if (answer.state !== "values") throw new Error(JSON.stringify(answer));
    expect(answer.points).toHaveLength(1);
    expect(answer.points[0]!.value).toBeGreaterThanOrEqual(200);
  });

  it("what a watch with looks of its own pace takes as seen", async () => {
    const { app, context, port, source } = await serving();
    await context.client.putDocument(documentOf(1, [routeTo("v1", app.port, 100)]));
    const startMs = systemClock.now().getTime();
    const stages = [{ name: "all", fromMs: startMs, untilMs: startMs + 600_000, everyMs: 250 }];
    const look = (metric: Metric, counter?: CounterReading) =>
      askSource(
        {
          source,
          metric,
          form: source.gives(metric)!.form,
          release: "v1",
          cursorMs: startMs,
          stages,
          nowMs: systemClock.now().getTime(),
          counter,
        },
        signal,
      );
    await ask(port, "/");
    const { counter } = await look({ kind: "error_rate" });
    for (const code of [200, 500]) await ask(port, `/status?code=${code}`);
    const { spans } = await look({ kind: "error_rate" }, counter);
    expect(spans.map(({ seen }) => seen)).toEqual([{ state: "counts", bad: 1, total: 2, visitors: 0 }]);
    await until(() => systemClock.now().getTime() > startMs + 250);
    const [newest, ...others] = (await look({ kind: "quantile", percent: 95 })).spans.toReversed();
    expect(newest?.seen).toMatchObject({ state: "value" });
    expect(others.length).toBeLessThanOrEqual(1); // of a span that ended in between
  });

  it("one client that asks again and again as one bad client", async () => {
    const { app, context, port, query } = await serving();
    await context.client.putDocument(documentOf(1, [routeTo("v1", app.port, 100)]));
    for (let turn = 0; turn < 20; turn++) await ask(port, "/status?code=500");
    const answer = await query({ kind: "count", name: "bad_clients" });
    if (answer.state !== "counter") throw new Error(JSON.stringify(answer));
    expect(answer.bad).toBeGreaterThanOrEqual(1);
    expect(answer.bad).toBeLessThanOrEqual(2); // a span may have ended in between
  });

  it("what went elsewhere because a release was down as its errors", async () => {
    const { app, context, port, query } = await serving();
    const routes = [routeTo("v2", 1, 100), routeTo("v1", app.port, 0, true)];
    await context.client.putDocument(documentOf(1, routes));
    for (let turn = 0; turn < 4; turn++) expect((await ask(port, "/")).status).toBe(200);
    expect(await query({ kind: "error_rate" }, "v2")).toMatchObject({ bad: 4, total: 4 });
    expect(await query({ kind: "error_rate" }, "v1")).toMatchObject({ bad: 0, total: 4 });
  });

  it("a client that is given a bucket as new, and nothing of that where an edge of before does not count it", async () => {
    const { app, context, port, source, query } = await serving();
    await context.client.putDocument(
      documentOf(1, [routeTo("v2", app.port, 100), routeTo("v1", app.port, 0)]),
    );
    await ask(port, "/");
    expect(await query({ kind: "error_rate" }, "v2")).toMatchObject({ total: 1, visitors: 0 });
    const twin = { ...routeTo("v2", app.port, 50), instance: "v2-2" };
    await context.client.putDocument(documentOf(2, [routeTo("v2", app.port, 50), twin]));
    for (let turn = 0; turn < 3; turn++) await ask(port, "/");
    await ask(port, "/", { headers: { cookie: "tminus-bucket=7" } });
    expect(await query({ kind: "error_rate" }, "v2")).toMatchObject({ total: 5, visitors: 3 });
    expect(await query({ kind: "count", name: "requests" }, "v2")).not.toHaveProperty("visitors");

    const { client } = context;
    const history = (await client.history("v2", undefined))!;
    const counters = (await client.counters())!;
    const point = { ...history.recent, fromMs: SPAN, toMs: 2 * SPAN };
    const older = (value: unknown): string =>
      JSON.stringify(value, (key, inner: unknown) => (key === "newClients" ? undefined : inner));
    await listenInstead(context.layout.sockets, (request, response) =>
      response.end(older(request.url!.startsWith("/counters") ? counters : { ...history, points: [point] })),
    );
    const past = { release: "v2", fromMs: SPAN, toMs: 2 * SPAN, stepMs: SPAN };
    const [counted, series] = [
      await query({ kind: "error_rate" }, "v2"),
      await source.query({ ...past, metric: { kind: "error_rate" } }, signal),
    ];
    expect(counted).toMatchObject({ state: "counter", total: 5 });
    expect(series).toMatchObject({ state: "counts", points: [{ fromMs: SPAN }] });
    expect(JSON.stringify([counted, series])).not.toContain("visitors");
  });

  it("that it knows nothing about a release that it never saw", async () => {
    const { source, query } = await serving();
    for (const metric of METRICS)
      for (const stepMs of [250, SPAN])
        expect(await query(metric, "v9", stepMs), metric.kind).toMatchObject({ state: "no-data" });
    expect(await source.check(METRICS, "v9", signal)).toMatchObject({ verdict: "pass" });
  });
});
