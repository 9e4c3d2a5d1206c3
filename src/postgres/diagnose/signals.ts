import * as z from "zod";
import { TminusError } from "../../errors.ts";
import { parseDuration } from "../../lib/duration.ts";
import type { Metric } from "../../model/metric.ts";
import { durationSchema, referenceSchema } from "../../model/runbook.ts";
import type { SignalKind, SignalPorts } from "../../model/signal-kind.ts";
import type { SeriesAnswer, SignalSource } from "../../model/signal-source.ts";
import type { Verdict } from "../../model/verdict.ts";
import { sqlStateOf } from "../session/connect.ts";
import { keptReader } from "../session/kept-reader.ts";
import type { Seen } from "./signal-readings.ts";

/** Between looks; a stage that asks less often connects anew each time. */
const IDLE_MS = 90_000;

const schema = z.strictObject({
  database: referenceSchema
    .optional()
    .describe("Reference of the connection string; the environment's database when left out"),
  slowAfter: durationSchema.default("10s").describe("A statement that runs longer counts into pg_slow"),
  timeout: durationSchema.default("10s").describe("How long an answer is waited for"),
});

type Settings = z.output<typeof schema>;

const GAUGES = ["pg_conn", "pg_slow", "pg_blocked", "pg_oldest_transaction", "replica_lag"] as const;
const QUERIES = ["rollback_rate"] as const;

export type DatabaseSignal = (typeof GAUGES | typeof QUERIES)[number];

/** The database's own statistics, C14: they see a jam of locks or a full pool before users report it. */
export const postgresSignals: SignalKind = {
  summary: "What the statistics of a PostgreSQL database say at this moment.",
  notes: [
    "The sessions are those of the database, without tminus's own. Where a session is not shown to the role, what is asked about sessions is answered with an error and not with a number that is too small: grant the role `pg_read_all_stats`.",
    "One connection is kept between looks and given back when nobody asks, so that a pool that is used up can still be seen and is not made worse. Every look is a read-only transaction.",
  ],
  measures: {
    "gauge(pg_conn)":
      "connections in use on the server; its max is max_connections without the reserved ones, so `> 95% of max` can be written",
    "gauge(pg_slow)": "statements that run longer than slowAfter",
    "gauge(pg_blocked)": "sessions that wait for a lock",
    "gauge(pg_oldest_transaction)": "seconds since the oldest open transaction began; 0 when none is open",
    "gauge(replica_lag)":
      "bytes that the slowest replica has not replayed; no data while no replica is connected",
    rollback_rate: "transactions of the database that were rolled back, of all: counts",
  },
  example: "database: env:DATABASE_URL\nslowAfter: 5s\n",
  schema,
  open: (name, settings, ports) => open(name, schema.parse(settings), ports),
};

/** As seen, or why the look could not be made. */
type Looked = Seen | Extract<SeriesAnswer, { state: "error" }>;

function open(name: string, settings: Settings, ports: SignalPorts): SignalSource {
  const reader = keptReader({
    connectionString: connectionString(name, settings, ports),
    purpose: "watch",
    timeoutMs: parseDuration(settings.timeout) ?? 0,
    idleMs: IDLE_MS,
  });
  const slowAfterSeconds = (parseDuration(settings.slowAfter) ?? 0) / 1000;
  const look = async (metric: Metric, signal: AbortSignal): Promise<Looked> => {
    signal.throwIfAborted();
    const asked = signalOf(metric);
    if (asked === undefined)
      return { state: "error", reason: `${name} does not measure ${nameOf(metric)}`, isLasting: true };
    try {
      const { seeSignal } = await import("./signal-readings.ts");
      return await reader.read((reading) => seeSignal(asked, reading, slowAfterSeconds), signal);
    } catch (error) {
      signal.throwIfAborted();
      return { state: "error", reason: ports.redact(messageOf(error)), isLasting: isLasting(error) };
    }
  };
  return {
    name,
    kind: "postgres",
    traits: { lagMs: 0, floorMs: 1_000, history: "counter" },
    gives(metric) {
      if (signalOf(metric) === undefined) return undefined;
      return { form: metric.kind === "gauge" ? "values" : "counts", perRelease: false };
    },
    async query({ metric }, signal) {
      return answerOf(await look(metric, signal), ports.clock.now().getTime());
    },
    async check(metrics, _release, signal) {
      const found: Verdict[] = [];
      for (const metric of metrics) found.push(verdictOf(metric, await look(metric, signal)));
      const worst = ["fail", "unknown"].map((verdict) => found.find((one) => one.verdict === verdict));
      return worst[0] ?? worst[1] ?? { verdict: "pass", reason: "the database answers" };
    },
  };
}

function signalOf(metric: Metric): DatabaseSignal | undefined {
  if (metric.kind === "gauge") return GAUGES.find((name) => name === metric.name);
  if (metric.kind === "query") return QUERIES.find((name) => name === metric.name);
  return undefined;
}

function nameOf(metric: Metric): string {
  return "name" in metric ? metric.name : metric.kind;
}

function answerOf(looked: Looked, atMs: number): SeriesAnswer {
  switch (looked.state) {
    case "value": {
      const { value, max } = looked;
      return { state: "values", points: [{ atMs, value, ...(max === undefined ? {} : { max }) }] };
    }
    case "sums":
      return { state: "counter", atMs, bad: looked.bad, total: looked.total };
    case "nothing":
      return { state: "no-data", reason: looked.reason };
    case "hidden":
      // A session that is not shown may end by itself, so this may pass.
      return { state: "error", reason: looked.reason, isLasting: false };
    case "error":
      return looked;
  }
}

/** Before a watch the grant that is missing is asked for, even if the hidden session might go away. */
function verdictOf(metric: Metric, looked: Looked): Verdict {
  if (looked.state === "value" || looked.state === "sums")
    return { verdict: "pass", reason: `${nameOf(metric)} is known` };
  const isFail = looked.state === "hidden" || (looked.state === "error" && looked.isLasting);
  return { verdict: isFail ? "fail" : "unknown", reason: `${nameOf(metric)}: ${looked.reason}` };
}

function connectionString(name: string, { database }: Settings, ports: SignalPorts): string {
  const reference = database ?? ports.database;
  if (reference === undefined) {
    throw new TminusError("RUNBOOK_INVALID", `environment ${ports.environment} names no database`, {
      hint: `Write database: {url: env:DATABASE_URL} under environments.${ports.environment}, or database under signals.${name}.`,
    });
  }
  return ports.secret(reference).reveal();
}

/**
 * Refusals that stay until a person acts: of the credentials (class 28), a database that is not there, a missing
 * right, an address that is none. https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
function isLasting(error: unknown): boolean {
  const cause = error instanceof TminusError ? error.cause : error;
  const state = sqlStateOf(cause);
  if (state !== undefined) return state.startsWith("28") || state === "3D000" || state === "42501";
  return typeof cause === "object" && cause !== null && "code" in cause && cause.code === "ERR_INVALID_URL";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
