import { formatDuration } from "../../lib/duration.ts";
import type { KeptByStep } from "../../model/step-kind.ts";
import type { Forthcoming, NextOfWatch, SeriesRow, WatchReport } from "../../model/watch-report.ts";
import { endsWithWatch, isGating, type RuleDefinition } from "../../watch/fold/definition.ts";
import { endMsOf } from "../../watch/fold/watch-state.ts";
import { formatValue, percentText, shareText } from "../../watch/fold/words.ts";
import { ruleReport } from "../../watch/report/rule-report.ts";
import type { Policy } from "../../watch/rules/watch-rule.ts";
import { LOOKS_EVIDENCE, readEvidence, readLooks, WATCH_EVIDENCE, type WatchRecord } from "./evidence.ts";
import { seriesKey } from "./define-watch.ts";
import type { WatchFacts } from "./facts.ts";
import type { Row } from "./history.ts";
import { nextLookMs } from "./look.ts";
import { blindSpansOf, continueWatch, SAVED_VERSION, type SavedWatch } from "./saved-watch.ts";
import type { WatchSettings } from "./schema.ts";
import { blindRules, escalatesAtMs, judge, policyOf } from "./stop.ts";

/** What a watch has seen: from its evidence when it has ended, else from what it keeps after every look. Pure. */
export function watched(kept: KeptByStep<WatchSettings>): WatchReport | undefined {
  const { state, evidence, nowMs } = kept;
  const written = nowMs === undefined ? evidence[WATCH_EVIDENCE] : undefined;
  if (written !== undefined) {
    const record = readEvidence(written);
    const looks = evidence[LOOKS_EVIDENCE];
    return record === undefined
      ? undefined
      : reportOf(record, looks === undefined ? { extendedMs: 0, blindSpans: [] } : readLooks(looks), kept);
  }
  const found = state as unknown as SavedWatch | undefined;
  if (found?.version !== SAVED_VERSION) return undefined;
  const saved = continueWatch(found);
  const { definition, watch, history, accepted, ended, lastLookMs, steppedMs } = saved;
  const atMs = ended === null && nowMs !== undefined ? nowMs - steppedMs : undefined;
  const judged = judge(saved, atMs ?? lastLookMs ?? definition.startedAtMs);
  const record = { definition, watch, history, accepted, verdicts: judged.rules };
  const blindSpans = blindSpansOf(saved, atMs ?? lastLookMs ?? definition.startedAtMs);
  const report = reportOf(record, { ...saved, blindSpans }, { ...kept, nowMs: atMs });
  if (atMs === undefined) return report;
  // What is still to come is told by the wall clock; what was seen keeps the time of the watch.
  return {
    ...report,
    endsAtMs: report.endsAtMs + steppedMs,
    stages: report.stages.map(({ fromMs, untilMs, ...stage }) => ({
      ...stage,
      fromMs: fromMs + steppedMs,
      untilMs: untilMs + steppedMs,
    })),
    next: nextOf(saved, kept, blindRules(saved, judged), atMs),
  };
}

function reportOf(
  record: WatchRecord,
  { extendedMs, blindSpans }: Pick<SavedWatch, "extendedMs" | "blindSpans">,
  { facts, nowMs }: Pick<KeptByStep<WatchSettings>, "facts" | "nowMs">,
): WatchReport {
  const { definition, watch, history, accepted, verdicts } = record;
  return {
    startedAtMs: definition.startedAtMs,
    endsAtMs: endMsOf(definition) + extendedMs,
    stages: definition.stages,
    blindSpans,
    rules: definition.rules.map((own) => {
      const { name } = own.rule;
      return ruleReport(definition, {
        definition: own,
        verdict: verdicts[name] ?? { verdict: "INCONCLUSIVE", reason: "was never judged" },
        states: watch.rules[name] ?? {},
        rows: (source) => (history[`${name}/${source}`] ?? []).map(seriesRow),
        before: (source) => beforeText(own, source, facts as WatchFacts | null),
        probe: watch.probes[name],
        accepted: accepted[name],
        endMs: own.untilMs + (endsWithWatch(definition, own) ? extendedMs : 0),
        nowMs,
      });
    }),
  };
}

/** "0.2 % (6 of 3,000) in the 1h 00m before the plan" */
function beforeText(
  { rule, sources }: RuleDefinition,
  name: string,
  facts: WatchFacts | null,
): string | undefined {
  const measured = facts?.before[seriesKey(name, rule)];
  const test = sources.find((source) => source.name === name)?.test;
  if (measured === undefined || measured.state === "none" || test === undefined) return undefined;
  const over = `in the ${formatDuration(measured.spanMs)} before the plan`;
  if (measured.state === "value") return `${formatValue(rule, test, measured.value)} in the mean ${over}`;
  const { bad, total } = measured;
  return total === 0 ? undefined : `${percentText(bad / total)} (${shareText({ bad, total })}) ${over}`;
}

function nextOf(
  saved: SavedWatch,
  { with: settings, release }: KeptByStep<WatchSettings>,
  blind: readonly string[],
  nowMs: number,
): NextOfWatch {
  const { steppedMs } = saved;
  const lookAtMs = nextLookMs(saved, nowMs) + steppedMs;
  const first = saved.definition.rules.find((own) => isGating(own) && blind.includes(own.rule.name));
  if (first === undefined || saved.blindSinceMs === null) return { lookAtMs };
  const consequence: Forthcoming = {
    text: POLICY_WORDS[policyOf(first, "on-blind", settings)],
    atMs: escalatesAtMs(saved, first, { nowMs, release }) + steppedMs,
  };
  return { lookAtMs, blind: { rules: [...blind], sinceMs: saved.blindSinceMs + steppedMs, consequence } };
}

const POLICY_WORDS: Record<Policy, string> = {
  hold: "a person is asked",
  rollback: "it rolls back",
  "continue-with-two-approvals": "two people are asked",
};

function seriesRow([atMs, state, value, count, evidence]: Row): SeriesRow {
  return {
    atMs,
    state: state.toLowerCase(),
    ...(value === null ? {} : { value }),
    ...(count === null ? {} : { count }),
    ...(evidence === null ? {} : { evidence }),
  };
}
