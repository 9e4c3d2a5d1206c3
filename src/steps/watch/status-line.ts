import { formatDuration } from "../../lib/duration.ts";
import { endMsOf, type WatchJudgement } from "../../watch/fold/watch-state.ts";
import { valueText } from "../../watch/fold/words.ts";
import { meterOf } from "../../watch/report/rule-report.ts";
import type { SavedWatch } from "./saved-watch.ts";
import { blindText } from "./stop.ts";

/** One line for people: every rule with its newest value and how far its evidence is, and what is left. */
export function statusLine(saved: SavedWatch, { rules }: WatchJudgement, atMs: number): string {
  const { definition, watch, extendedMs } = saved;
  const parts = definition.rules.flatMap(({ rule, sources }) => {
    const verdict = rules[rule.name];
    if (verdict === undefined) return [];
    if (rule.condition.kind === "probe") return [`${rule.name} ${verdict.reason} ${wordOf(verdict.verdict)}`];
    return sources.map((source) => {
      const state = watch.rules[rule.name]?.[source.name];
      if (state === undefined) return rule.name;
      const meter = meterOf(definition, source.test, state);
      const of = sources.length === 1 ? "" : ` (${source.name})`;
      const evidence = meter === undefined || meter.percent < 1 ? "" : `, evidence ${meter.percent} %`;
      const seen = state.blind === null ? (state.tick?.state ?? "PENDING") : state.blind.state;
      return `${rule.name}${of} ${valueText(rule, source.test, state)} ${wordOf(seen)}${evidence}`;
    });
  });
  const leftMs = Math.max(0, endMsOf(definition) + extendedMs - atMs);
  const blind = blindText(saved, atMs);
  return [...parts, ...(blind === undefined ? [] : [blind]), `${formatDuration(leftMs)} left`].join(" · ");
}

function wordOf(state: string): string {
  return state.toLowerCase();
}
