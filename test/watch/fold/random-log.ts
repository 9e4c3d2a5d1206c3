import fc from "fast-check";
import type { WatchDefinition } from "../../../src/watch/fold/definition.ts";
import type { Look, Seen } from "../../../src/watch/fold/look.ts";
import { counts, MINUTE, SECOND, value, watchOf, type RuleSetup } from "./simulated-watch.ts";

/** What a rule of a random watch is about, stated beside its text and not read from it. */
export interface RandomRule extends RuleSetup {
  evidence:
    | "sequential"
    | "proof"
    | "literal share"
    | "gauge"
    | "latency"
    | "events"
    | "control"
    | "control proof";
  /** Between these two lies the share of bad requests that it allows. */
  leastTarget: number;
  mostTarget: number;
  /** The source counts what is good. */
  isFlipped?: boolean;
  /** It must be so for the last part of the watch. */
  forMs?: number;
  leastRequests?: number;
}

const before = { form: "counts" as const, bad: 10, total: 10_000 };
const one = (target: number) => ({ leastTarget: target, mostTarget: target });

const RULES: readonly RandomRule[] = [
  { text: "r: when error_rate > 1% -> rollback", evidence: "sequential", ...one(0.01) },
  {
    text: "r: when error_rate > 5% for 5m min 20 requests -> hold",
    evidence: "sequential",
    ...one(0.05),
    leastRequests: 20,
  },
  {
    text: "r: when cache_hit < 80% confident 5% -> rollback",
    evidence: "sequential",
    ...one(0.2),
    isFlipped: true,
  },
  {
    text: "r: when error_rate > baseline(before 1d) * 2 floor 0.2% -> page",
    evidence: "sequential",
    before,
    leastTarget: 0.002,
    mostTarget: 0.006,
  },
  {
    text: "r: when error_rate > burn(99.9%, 30d) * 14.4 over 10m and 2m -> page",
    evidence: "sequential",
    leastTarget: 0.0143,
    mostTarget: 0.0145,
  },
  {
    text: "r: expect error_rate < 1% for 10m -> fail-gate",
    evidence: "proof",
    ...one(0.01),
    forMs: 10 * MINUTE,
  },
  { text: "r: expect error_rate < 5% -> hold", evidence: "proof", ...one(0.05) },
  { text: "r: expect cache_hit > 80% -> note", evidence: "proof", ...one(0.2), isFlipped: true },
  {
    text: "r: when error_rate over 2m > 1% for 3m strictly -> rollback",
    evidence: "literal share",
    ...one(0.01),
    leastRequests: 50,
  },
  {
    text: "r: when gauge(pg_conn) > 90% of max for 2m -> rollback",
    evidence: "gauge",
    form: "values",
    ...one(0),
  },
  {
    text: "r: expect p95(latency) < 500ms for 5m -> hold",
    evidence: "latency",
    form: "values",
    ...one(0),
    forMs: 5 * MINUTE,
  },
  { text: "r: when count(groups) > 0 -> hold", evidence: "events", form: "events", ...one(0) },
  {
    text: "r: when error_rate > control * 1.2 floor 0.2% -> rollback",
    evidence: "control",
    exposure: 0.5,
    leastTarget: 0.002,
    mostTarget: 1,
  },
  {
    text: "r: when error_rate > control + 1pp -> rollback",
    evidence: "control",
    exposure: 0.5,
    leastTarget: 0.01,
    mostTarget: 1,
  },
  {
    text: "r: expect error_rate < control * 3 -> hold",
    evidence: "control proof",
    leastTarget: 0,
    mostTarget: 1,
  },
];

export interface RandomLog {
  rule: RandomRule;
  watch: WatchDefinition;
  /** What was answered, in order of time, with gaps. */
  answered: Look[];
  /** The same with what was not answered at first, or never, and with answers that come twice. */
  looks: Look[];
  nowMs: number;
  endMs: number;
}

export const RANDOM_LOG = fc
  .array(fc.nat(255), { minLength: 12, maxLength: 160, size: "max" })
  .map((bytes) => randomLog(bytes));
/** For the slowest machine; it takes half a minute on an idle one. */
export const RANDOM_LOG_LIMIT_MS = 300_000;

/** A watch and its log, made from a list of bytes: small ones make simple logs, so that a failing one can be shrunk. */
function randomLog(bytes: readonly number[]): RandomLog {
  let at = 0;
  const below = (limit: number): number => (bytes[at++] ?? 0) % limit;
  const oneOf = <Value>(values: readonly Value[]): Value => values[below(values.length)]!;
  const rule = oneOf(RULES);
  const everyMs = oneOf([60, 60, 60, 60, 30, 60, 60, 15]) * SECOND;
  const durationMs = oneOf([10, 5, 10, 15]) * MINUTE;
  const setup = { ...rule, usualPerMinute: oneOf([0, 5, 50]), lagMs: oneOf([0, 30 * SECOND]) };
  const others = below(5) === 4 ? ["other: when error_rate > 3% -> hold"] : [];
  const watch = watchOf([setup, ...others], {
    durationMs,
    everyMs,
    minBlockMs: oneOf([0, 0, 0, 40 * SECOND]),
  });
  const endMs = durationMs + oneOf([0, 0, 0, 5]) * MINUTE;
  const stopMs = oneOf([endMs, endMs, endMs, endMs, endMs + MINUTE, endMs / 2, 0]);
  const nowMs = oneOf([stopMs, stopMs, endMs, endMs + 11 * MINUTE]);
  const isRough = below(8) === 7;
  const diesMs = isRough && below(4) === 3 ? below(15) * MINUTE : Infinity;
  const [answered, looks]: [Look[], Look[]] = [[], []];
  let perMinute = oneOf([600, 60, 6000, 0, 6, 600]);
  let level = oneOf([0, 0, 0, 1, 2, 3, 4]);
  for (let fromMs = 0; fromMs < stopMs;) {
    const toMs = Math.min(stopMs, fromMs + everyMs * (isRough ? oneOf([1, 1, 1, 2, 5]) : 1));
    if (isRough && below(8) === 7) {
      perMinute = oneOf([600, 60, 6, 0, 1, 6000]);
      level = oneOf([0, 0, 1, 2, 3, 4]);
    }
    const total = Math.floor((perMinute * (toMs - fromMs)) / MINUTE);
    const look = { rule: "r", source: "prom", fromMs, toMs, askedAtMs: toMs };
    const seen = answerOf(rule, total, level, below(256));
    const control = rule.evidence.startsWith("control")
      ? { control: answerOf(rule, total, oneOf([0, 1, 2]), below(256)) }
      : {};
    const fate = toMs > diesMs ? 10 + below(2) : isRough ? below(12) : 0;
    if (fate >= 8)
      looks.push(
        { ...look, ...control, seen: UNANSWERED[fate - 8]! },
        { ...look, seen: { state: "stale", reason: "old" } },
      );
    // Never answered, or nobody looked: a gap.
    if (fate < 10 && fate !== 7) {
      answered.push({ ...look, ...control, seen });
      looks.push({ ...look, ...control, seen });
      if (fate === 6) looks.push({ ...look, ...control, seen: answerOf(rule, 100, 4, 0) });
    }
    fromMs = toMs;
  }
  return { rule, watch, answered, looks, nowMs, endMs };
}

const UNANSWERED: readonly Seen[] = [
  { state: "error", reason: "connection refused", isLasting: false },
  { state: "no-data", reason: "an empty series", isAlive: true },
  { state: "counts", bad: NaN, total: NaN },
  { state: "error", reason: "401", isLasting: true },
];

const SHARES = [0, 0.001, 0.012, 0.06, 0.7] as const;

/** An answer of a release that is that bad, 0 to 4. */
function answerOf(
  { evidence, isFlipped = false }: RandomRule,
  total: number,
  level: number,
  chance: number,
): Seen {
  switch (evidence) {
    case "gauge":
      return value(40 + 15 * level + (chance % 10), 100);
    case "latency":
      return value(100 + 130 * level + (chance % 50));
    case "events":
      return { state: "events", count: level >= 3 && chance % 4 === 0 ? 1 : 0 };
    default: {
      const mean = SHARES[level]! * total;
      const bad = Math.min(total, Math.floor(mean) + (chance / 256 < mean % 1 ? 1 : 0));
      return counts(isFlipped ? total - bad : bad, total);
    }
  }
}
