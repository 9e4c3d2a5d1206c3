import type {
  EvidenceMeter,
  RuleReport,
  RuleSeries,
  RuleSourceReport,
  SeriesRow,
} from "../../model/watch-report.ts";
import { allowedShare } from "../fold/allowed-share.ts";
import { thresholdsOf } from "../fold/confident.ts";
import type { RuleDefinition, RuleSource, RuleTest, WatchDefinition } from "../fold/definition.ts";
import type { ProbeState } from "../fold/probe-state.ts";
import type { RuleState } from "../fold/rule-state.ts";
import { isHeld, type RuleVerdict } from "../fold/rule-verdict.ts";
import { duringText, valueText } from "../fold/words.ts";
import { printRule } from "../rules/print-rule.ts";
import { deedWords, ruleSentence } from "../rules/rule-sentence.ts";
import type { WatchRule } from "../rules/watch-rule.ts";
import { arithmeticOf } from "./arithmetic.ts";
import { nextOf, nextOfProbe } from "./next.ts";
import { summaryOf } from "./summary.ts";

/** What a watch knows of one of its rules. */
export interface RuleRecord {
  definition: RuleDefinition;
  verdict: RuleVerdict;
  /** By source. */
  states: Readonly<Record<string, RuleState>>;
  rows(source: string): readonly SeriesRow[];
  /** What the plan measured of the release before, in words; undefined when it did not. */
  before(source: string): string | undefined;
  probe: ProbeState | undefined;
  accepted: { by: string; note: string; atMs: number } | undefined;
  /** When its time is over. */
  endMs: number;
  /** When it is looked at; undefined when the watch no longer goes on. */
  nowMs: number | undefined;
}

/** A rule for people: in words, with its numbers, and what comes of it. Pure. */
export function ruleReport(watch: WatchDefinition, record: RuleRecord): RuleReport {
  const { definition, verdict, states, probe, accepted, endMs } = record;
  const { rule, isShadow, fromMs, sources } = definition;
  return {
    name: rule.name,
    text: printRule(rule),
    sentence: ruleSentence(rule, isShadow),
    isShadow,
    deed: deedWords(rule.action, isShadow),
    fromMs,
    untilMs: endMs,
    ...(record.nowMs === undefined ? { endedMs: lookedUntilMs(record) } : {}),
    verdict: verdict.verdict,
    reason: verdict.reason,
    summary: summaryOf(definition, verdict, states, probe, accepted, record.nowMs === undefined),
    ...(rule.condition.kind === "measure" ? { metric: rule.condition.metric } : {}),
    ...(accepted === undefined ? {} : { accepted }),
    sources: sources.flatMap((source) => {
      const state = states[source.name];
      return state === undefined ? [] : [sourceReport(watch, record, source, state)];
    }),
    ...(probe === undefined ? {} : { probe: probeReport(record, probe) }),
  };
}

/** By what was taken in last, also when it was no answer. */
function lookedUntilMs({ definition, states, probe, endMs }: RuleRecord): number {
  const looked = Object.values(states).map(({ cursorMs, tick }) => Math.max(cursorMs, tick?.atMs ?? 0));
  const asked = probe?.last === null || probe === undefined ? [] : [probe.last.atMs];
  return Math.min(endMs, Math.max(definition.fromMs, ...looked, ...asked));
}

function sourceReport(
  watch: WatchDefinition,
  { definition, rows, before: measured, endMs, nowMs }: RuleRecord,
  source: RuleSource,
  state: RuleState,
): RuleSourceReport {
  const { rule } = definition;
  const { test, name } = source;
  const meter = meterOf(watch, test, state);
  const during = duringText(rule, test, state);
  const before = during === undefined ? undefined : measured(name);
  return {
    name,
    state: stateWord(watch, source, state),
    value: valueText(rule, test, state),
    ...(during === undefined ? {} : { during }),
    ...(before === undefined ? {} : { before }),
    ...(meter === undefined ? {} : { meter }),
    ...(nowMs === undefined ? {} : { next: nextOf(watch, definition, source, state, { nowMs, endMs }) }),
    arithmetic: arithmeticOf(watch, definition, source, state),
    series: seriesOf(rule, test, state, rows(name)),
  };
}

function probeReport({ definition, nowMs }: RuleRecord, probe: ProbeState): NonNullable<RuleReport["probe"]> {
  const { last, counts, failure } = probe;
  const asked = counts.ok + counts.failed + counts.unknown;
  const newest =
    last === null
      ? ""
      : `, the last ${last.outcome === "ok" ? `in ${last.latencyMs} ms` : `not: ${last.reason}`}`;
  return {
    state: failure === null ? (last?.outcome ?? "pending") : "failed",
    value: asked === 0 ? "was not asked yet" : `${counts.ok} of ${asked} answers good${newest}`,
    ...(nowMs === undefined ? {} : { next: nextOfProbe(definition, probe) }),
  };
}

/** What a person sees first: whether it has come true, is not seen, or is on its way. */
function stateWord(watch: WatchDefinition, source: RuleSource, state: RuleState): string {
  if (state.failure !== null) return "failed";
  if (state.blind !== null) return state.blind.state.toLowerCase();
  if (isHeld(watch, source, state)) return "held";
  return (state.tick?.state ?? "PENDING").toLowerCase();
}

/** Undefined for a rule that is taken literally. */
export function meterOf(
  watch: WatchDefinition,
  test: RuleTest,
  { confident }: RuleState,
): EvidenceMeter | undefined {
  if (confident === undefined || (test.how !== "share" && test.how !== "control") || test.alpha === undefined)
    return undefined;
  const { hold, roll } = thresholdsOf(watch, test.alpha);
  const { value } = confident;
  const place = (evidence: number): number =>
    evidence <= 1 ? 0 : Math.min(100, Math.round((100 * Math.log(evidence)) / Math.log(roll)));
  return { percent: place(value), holdPercent: place(hold), value, hold, roll };
}

function seriesOf(rule: WatchRule, test: RuleTest, state: RuleState, rows: readonly SeriesRow[]): RuleSeries {
  const limit = limitOf(rule, test, state);
  const { condition } = rule;
  const isFixed = condition.kind === "measure" && condition.target.kind === "number";
  const peak = state.confident?.peak;
  const literallyAtMs = state.confident === undefined ? null : state.literal.failedAtMs;
  return {
    unit: unitOf(rule, test),
    ...(limit === undefined ? {} : { limit }),
    ...(limit !== undefined && test.how === "control" && !isFixed ? { limitMoves: true as const } : {}),
    rows: [...rows],
    ...(peak === undefined || peak.value === 0 ? {} : { peak: { atMs: peak.atMs, evidence: peak.value } }),
    ...(state.failure === null ? {} : { failedAtMs: state.failure.atMs }),
    ...(literallyAtMs === null ? {} : { literallyAtMs }),
  };
}

function limitOf({ condition }: WatchRule, test: RuleTest, { controlSum }: RuleState): number | undefined {
  switch (test.how) {
    case "share":
    case "control": {
      if (condition.kind === "measure" && condition.target.kind === "number") return condition.target.value;
      const allowed = allowedShare(test, controlSum, "upper");
      return allowed === undefined ? undefined : 100 * (test.isFlipped ? 1 - allowed : allowed);
    }
    case "events":
    case "value":
      return test.limit;
    case "undecidable":
      return undefined;
  }
}

function unitOf({ condition }: WatchRule, test: RuleTest): string {
  if (test.how === "share" || test.how === "control") return "%";
  if (condition.kind !== "measure") return "";
  const { metric, target } = condition;
  return target.kind === "number" ? target.unit : metric.kind === "quantile" ? "ms" : "";
}
