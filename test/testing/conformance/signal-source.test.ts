import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import type { Metric } from "../../../src/model/metric.ts";
import type {
  CountPoint,
  SeriesAnswer,
  SeriesQuestion,
  SignalSource,
} from "../../../src/model/signal-source.ts";
import { ask } from "../../../src/providers/signals/ask.ts";
import { signalSourceScenarios, SOURCE_FAULTS, type SignalSourceCase } from "../../../src/testing/index.ts";
import { openFaultServer } from "../../support/fault-server.ts";

const TOKEN = "Zm9vYmFy-very-secret";
const ERROR_RATE: Metric = { kind: "error_rate" };

type Flaws = Partial<SignalSource> & {
  edit?: (answer: SeriesAnswer, question: SeriesQuestion) => SeriesAnswer;
};

/** A source of a server that answers with spans, and keeps its contract unless `flaws` says otherwise. */
function plainCase(flaws: (source: SignalSource) => Flaws = () => ({})): SignalSourceCase {
  return {
    patienceMs: 5000,
    async open() {
      const server = await openFaultServer({
        serve: (request, response) => serveSpans(request, response, (at) => ({ bad: 1, total: at / 1000 })),
        faults: {
          empty: (_request, response) => response.end("[]"),
          "not-a-number": (request, response) =>
            serveSpans(request, response, () => ({ bad: null, total: 1 })),
          stale: (request, response) =>
            serveSpans(request, response, (at) => (at > 130_000 ? undefined : { bad: 1, total: 3 })),
        },
      });
      const honest = plainSource(server.url);
      const { edit, ...parts } = flaws(honest);
      const flawed: SignalSource = { ...honest, ...parts };
      const source: SignalSource =
        edit === undefined
          ? flawed
          : {
              ...flawed,
              query: async (question, signal) => edit(await flawed.query(question, signal), question),
            };
      return {
        source,
        questions: [{ metric: ERROR_RATE, release: "v2", fromMs: 100_000, toMs: 160_000, stepMs: 10_000 }],
        foreign: [{ kind: "count", name: "orders" }],
        behave: (fault) => server.behave(fault),
        secrets: [TOKEN],
        close: () => server.close(),
      };
    },
  };
}

/** [[toMs, bad, total], …] of the spans that are asked for. */
function serveSpans(
  request: IncomingMessage,
  response: ServerResponse,
  countsOf: (toMs: number) => { bad: number | null; total: number } | undefined,
): void {
  const query = new URL(request.url ?? "", "http://host").searchParams;
  const [from = 0, to = 0, step = 1] = ["from", "to", "step"].map((name) => Number(query.get(name)));
  const rows: unknown[] = [];
  for (let at = from + 10_000; at <= to; at += 10_000) {
    const counts = countsOf(at);
    if (counts !== undefined) rows.push([at, counts.bad, counts.total]);
  }
  if (rows.length > 0 && step > 10_000)
    rows.splice(0, rows.length, [
      to,
      rows.length,
      rows.reduce<number>((sum, row) => sum + (row as number[])[2]!, 0),
    ]);
  response.end(JSON.stringify(rows));
}

function plainSource(url: string): SignalSource {
  const source: SignalSource = {
    name: "plain",
    kind: "plain",
    traits: { lagMs: 0, floorMs: 10_000, history: "range" },
    gives: (metric) => (metric.kind === "error_rate" ? { form: "counts", perRelease: false } : undefined),
    async check(_metrics, release, signal) {
      const question = { metric: ERROR_RATE, release, fromMs: 0, toMs: 10_000, stepMs: 10_000 };
      const answer = await source.query(question, signal);
      if (answer.state !== "error") return { verdict: "pass", reason: "it answered" };
      return { verdict: answer.isLasting ? "fail" : "unknown", reason: answer.reason };
    },
    async query({ fromMs, toMs, stepMs }, signal) {
      const asked = await ask({
        request: {
          url: `${url}/?from=${fromMs}&to=${toMs}&step=${stepMs}`,
          headers: { authorization: `Bearer ${TOKEN}` },
          timeoutMs: 150,
          signal,
        },
        who: "the server",
        now: new Date(0),
        redact: (text) => text,
      });
      if (!asked.ok) return asked.error;
      return readRows(asked.response.body, stepMs);
    },
  };
  return source;
}

function readRows(body: string, stepMs: number): SeriesAnswer {
  let rows: [number, number | null, number][];
  try {
    rows = JSON.parse(body) as typeof rows;
  } catch {
    return { state: "error", reason: "it is not JSON", isLasting: false };
  }
  const points = rows.flatMap(([toMs, bad, total]): CountPoint[] =>
    bad === null ? [] : [{ fromMs: toMs - stepMs, toMs, bad, total }],
  );
  if (points.length > 0) return { state: "counts", points };
  return { state: "no-data", reason: "there is nothing", raw: body };
}

describe("a source that keeps its contract", () => {
  const scenarios = signalSourceScenarios(plainCase());
  for (const { title, run } of scenarios) it(title, run);

  it("is put to every fault but those that cannot come to it", () => {
    const cannot = { hang: "it asks nobody", stale: "it knows only the present" };
    const some = signalSourceScenarios({ ...plainCase(), cannot });
    expect(scenarios).toHaveLength(SOURCE_FAULTS.length + 6);
    expect(some).toHaveLength(scenarios.length - 3); // without the one that is stopped while it hangs
  });
});

/** Answers that no source may give, and what is said of them. */
const EDITS: readonly [what: string, edit: NonNullable<Flaws["edit"]>, says: RegExp][] = [
  ["an outage as zero", orElse({ state: "counts", points: [] }), /refused.*"points":\[\]/],
  ["an outage as nothing", orElse({ state: "no-data", reason: "nothing" }), /refused.*no-data/],
  [
    "an outage as one that lasts",
    (answer) => (answer.state === "error" ? { ...answer, isLasting: true } : answer),
    /isLasting/,
  ],
  [
    "a refusal as one that passes",
    (answer) => (answer.state === "error" ? { ...answer, isLasting: false } : answer),
    /unauthorized.*isLasting/,
  ],
  [
    "no Retry-After",
    (answer) => {
      if (answer.state === "error") delete answer.retryAfterMs;
      return answer;
    },
    /retryAfterMs/,
  ],
  [
    "nothing as zero",
    (answer, { fromMs, toMs }) =>
      answer.state === "no-data" ? { state: "counts", points: [{ fromMs, toMs, bad: 0, total: 0 }] } : answer,
    /empty/,
  ],
  [
    "null without a word of it",
    (answer) => {
      if (answer.state === "no-data") delete answer.raw;
      return answer;
    },
    /raw/,
  ],
  [
    "its secret",
    (answer) => (answer.state === "error" ? { ...answer, reason: `with ${TOKEN}` } : answer),
    /secret/,
  ],
  ["points in disorder", withPoints((points) => points.toReversed()), /out of order/],
  [
    "points beside the steps",
    withPoints((points) =>
      points.map((point) => ({ ...point, fromMs: point.fromMs + 1, toMs: point.toMs + 1 })),
    ),
    /between two steps/,
  ],
  [
    "points outside the range",
    withPoints((points) =>
      points.map((point) => ({ ...point, fromMs: point.fromMs + 10_000, toMs: point.toMs + 10_000 })),
    ),
    /out of order or range/,
  ],
  [
    "more bad than there are",
    withPoints((points) => points.map((point) => ({ ...point, bad: point.total + 1 }))),
    /more are bad/,
  ],
  ["NaN", withPoints((points) => points.map((point) => ({ ...point, bad: NaN }))), /no counts/],
  ["another number each time", changing(), /another one/],
  [
    "another number for a part of the range",
    (answer, { fromMs }) =>
      withPoints((points) => points.map((point) => ({ ...point, total: point.total + fromMs / 1000 })))(
        answer,
      ),
    /a part of the range/,
  ],
  [
    "values where it promised counts",
    (answer) => (answer.state === "counts" ? { state: "values", points: [{ atMs: 1, value: 1 }] } : answer),
    /counts/,
  ],
  [
    "a span of which nothing is known",
    (answer, { toMs }) =>
      withPoints((points) =>
        points.at(-1)!.toMs < toMs ? [...points, { fromMs: toMs - 10_000, toMs, bad: 0, total: 0 }] : points,
      )(answer),
    /stale.*after/,
  ],
];

describe("a source that answers", () => {
  it.each(EDITS)("%s is found out", async (_what, edit, says) => {
    expect((await failures(plainCase(() => ({ edit })))).join("\n")).toMatch(says);
  });
});

/** Parts that break the rest of the contract. */
const PARTS: readonly [what: string, flaws: (source: SignalSource) => Flaws, says: RegExp][] = [
  [
    "promises what it does not have",
    () => ({ gives: () => ({ form: "counts", perRelease: false }) }),
    /it promises/,
  ],
  ["promises nothing", () => ({ gives: () => undefined }), /does not promise/],
  [
    "passes its check unasked",
    () => ({ check: async () => ({ verdict: "pass", reason: "sure" }) }),
    /check under refused/,
  ],
  [
    "fails its check without an answer",
    ({ check }) => ({ check: async (...of) => ({ ...(await check(...of)), verdict: "fail" }) }),
    /check under refused/,
  ],
  [
    "waits for ever",
    ({ query }) => ({
      query: (question, signal) =>
        query(question, signal).then((answer) =>
          answer.state === "error" ? new Promise(() => undefined) : answer,
        ),
    }),
    /no answer within/,
  ],
  [
    "throws",
    ({ query }) => ({
      query: async (...of) => {
        const answer = await query(...of);
        if (answer.state === "error") throw new Error("thrown out");
        return answer;
      },
    }),
    /thrown out/,
  ],
  [
    "does not stop",
    ({ query }) => ({ query: (question) => query(question, new AbortController().signal) }),
    /Missing expected rejection/,
  ],
];

describe("a source that", () => {
  it.each(PARTS)("%s is found out", async (_what, flaws, says) => {
    const flawed = { ...plainCase(flaws), patienceMs: 600 };
    expect((await failures(flawed)).join("\n")).toMatch(says);
  });
});

async function failures(flawed: SignalSourceCase): Promise<string[]> {
  const found: string[] = [];
  for (const { run } of signalSourceScenarios(flawed))
    await run().catch((error: unknown) => found.push(error instanceof Error ? error.message : String(error)));
  return found;
}

function orElse(instead: SeriesAnswer): NonNullable<Flaws["edit"]> {
  return (answer) => (answer.state === "error" ? instead : answer);
}

function withPoints(change: (points: CountPoint[]) => CountPoint[]): (answer: SeriesAnswer) => SeriesAnswer {
  return (answer) => (answer.state === "counts" ? { ...answer, points: change(answer.points) } : answer);
}

function changing(): (answer: SeriesAnswer) => SeriesAnswer {
  let count = 0;
  return withPoints((points) => points.map((point) => ({ ...point, total: point.total + count++ })));
}
