import type { Json, JsonObject } from "../../model/json.ts";
import type { StepResult } from "../../model/step-kind.ts";
import type { RuleDefinition, WatchDefinition } from "../../watch/fold/definition.ts";
import type { ProbeState } from "../../watch/fold/probe-state.ts";
import type { RuleState } from "../../watch/fold/rule-state.ts";
import type { RuleVerdict } from "../../watch/fold/rule-verdict.ts";
import type { WatchJudgement, WatchState } from "../../watch/fold/watch-state.ts";
import { meterOf } from "../../watch/report/rule-report.ts";
import { printRule } from "../../watch/rules/print-rule.ts";
import type { History, Row } from "./history.ts";
import { blindSpansOf, type Acceptance, type SavedWatch } from "./saved-watch.ts";
import { ruleOfText } from "./schema.ts";

/** Names under which a watch keeps its evidence. */
export const WATCH_EVIDENCE = "watch.json";
export const LOOKS_EVIDENCE = "looks.json";

/** Raised when what is written here can no longer be read by an older tminus. */
const EVIDENCE_VERSION = 1;

/** All that was seen by a watch and how it was decided. */
export interface WatchRecord {
  definition: WatchDefinition;
  watch: WatchState;
  history: History;
  accepted: Record<string, Acceptance>;
  verdicts: Record<string, RuleVerdict>;
}

/**
 * The record of a watch that has ended. It depends on what the sources said alone: a watch that was interrupted and
 * could ask for what it missed leaves the same bytes.
 */
export function evidenceOf(
  { definition, watch, history, accepted }: SavedWatch,
  judgement: WatchJudgement,
  result: StepResult,
): Json {
  const rules = definition.rules.map((own): JsonObject => {
    const { rule, sources, isShadow, fromMs, untilMs } = own;
    return {
      rule: printRule(rule),
      isShadow,
      from: iso(fromMs),
      until: iso(untilMs),
      verdict: { ...judgement.rules[rule.name] },
      sources: sources.map((source): JsonObject => {
        const state = watch.rules[rule.name]?.[source.name];
        const meter = state === undefined ? undefined : meterOf(definition, source.test, state);
        return {
          ...(source as unknown as JsonObject),
          ...(meter === undefined ? {} : { evidence: { ...meter } }),
          state: (state ?? null) as unknown as Json,
          rows: (history[`${rule.name}/${source.name}`] ?? []) as unknown as Json,
        };
      }),
      ...(watch.probes[rule.name] === undefined ? {} : { probe: watch.probes[rule.name] as unknown as Json }),
    };
  });
  return {
    version: EVIDENCE_VERSION,
    outcome: result.outcome,
    reason: result.reason,
    startedAt: iso(definition.startedAtMs),
    stages: definition.stages.map(({ name, fromMs, untilMs, everyMs }) => ({
      name,
      from: iso(fromMs),
      until: iso(untilMs),
      everyMs,
    })),
    gatingRules: definition.gatingRules,
    minBlockMs: definition.minBlockMs,
    rows: "end of the data in ms since 1970, state, value, requests or points in the window, evidence",
    rules,
    accepted: accepted as unknown as Json,
  };
}

/** As evidenceOf writes it, before it becomes text. */
interface WrittenEvidence {
  version: number;
  startedAt: string;
  stages: { name: string; from: string; until: string; everyMs: number }[];
  gatingRules: number;
  minBlockMs: number;
  rules: {
    rule: string;
    isShadow: boolean;
    from: string;
    until: string;
    verdict: RuleVerdict;
    sources: (RuleDefinition["sources"][number] & { state: RuleState | null; rows: Row[] })[];
    probe?: ProbeState;
  }[];
  accepted: Record<string, Acceptance>;
}

/** Reads what evidenceOf has written; undefined when another version of tminus wrote it in another form. */
export function readEvidence(text: string): WatchRecord | undefined {
  const written = JSON.parse(text) as WrittenEvidence;
  if (written.version !== EVIDENCE_VERSION) return undefined;
  const record: WatchRecord = {
    definition: {
      startedAtMs: Date.parse(written.startedAt),
      stages: written.stages.map(({ name, from, until, everyMs }) => ({
        name,
        fromMs: Date.parse(from),
        untilMs: Date.parse(until),
        everyMs,
      })),
      rules: [],
      gatingRules: written.gatingRules,
      minBlockMs: written.minBlockMs,
    },
    watch: { rules: {}, probes: {} },
    history: {},
    accepted: written.accepted,
    verdicts: {},
  };
  for (const own of written.rules) {
    const rule = ruleOfText(own.rule);
    const { isShadow, sources, verdict, probe } = own;
    record.definition.rules.push({
      rule,
      isShadow,
      fromMs: Date.parse(own.from),
      untilMs: Date.parse(own.until),
      sources,
    });
    record.verdicts[rule.name] = verdict;
    if (probe !== undefined) record.watch.probes[rule.name] = probe;
    for (const { name, state, rows } of sources) {
      if (state !== null) (record.watch.rules[rule.name] ??= {})[name] = state;
      record.history[`${rule.name}/${name}`] = rows;
    }
  }
  return record;
}

/** When nobody looked or could see, and by how much the end was put off: no part of the evidence about the release. */
export function looksOf(saved: SavedWatch): Json {
  const { interruptions, clockSteps, extendedMs, pausedMs, fallback, lastLookMs, definition } = saved;
  return {
    interruptions: interruptions.map(writtenSpan),
    clockSteps: clockSteps.map(({ atMs, byMs }) => ({ at: iso(atMs), byMs })),
    blind: blindSpansOf(saved, lastLookMs ?? definition.startedAtMs).map(writtenSpan),
    extendedMs,
    pausedMs,
    publicAddress: fallback as unknown as Json,
  };
}

/** The part of looksOf that a report needs. */
export function readLooks(text: string): Pick<SavedWatch, "extendedMs" | "blindSpans"> {
  const { extendedMs, blind } = JSON.parse(text) as {
    extendedMs: number;
    blind: { from: string; to: string }[];
  };
  return {
    extendedMs,
    blindSpans: blind.map(({ from, to }) => ({ fromMs: Date.parse(from), toMs: Date.parse(to) })),
  };
}

function writtenSpan({ fromMs, toMs }: { fromMs: number; toMs: number }): { from: string; to: string } {
  return { from: iso(fromMs), to: iso(toMs) };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
