import { TminusError } from "../../errors.ts";
import { type RuleDefinition, type RuleSource, type WatchDefinition } from "../../watch/fold/definition.ts";
import { resolveTest, type MeasuredBefore } from "../../watch/fold/resolve-test.ts";
import type { WatchRule } from "../../watch/rules/watch-rule.ts";
import type { WatchContext } from "./facts.ts";
import { asMeasured, measureBaseline } from "./measure-before.ts";
import type { KeptBaselines } from "./kept-baselines.ts";
import { sourcesOf } from "./rule-sources.ts";
import { gatingRulesOf, msOf, rulesOf, stagesOf } from "./schema.ts";

/** A share of traffic, as the target has it when the watch begins. */
export interface Routes {
  release: string;
  percent: number;
}

/**
 * The watch with everything resolved that depends on the moment at which it begins: baselines are measured now, before
 * anything of this watch is seen, and frozen, but for those that were `kept` of a watch that begins anew. Errors: RUNBOOK_INVALID for a rule that no source can answer (a plan
 * would have been blocked by it).
 */
export async function defineWatch(
  context: WatchContext,
  startedAtMs: number,
  routes: readonly Routes[] | undefined,
  kept: KeptBaselines = {},
): Promise<WatchDefinition> {
  const { with: settings, facts } = context;
  const stages = stagesOf(settings);
  const planned = rulesOf(settings);
  const rules: RuleDefinition[] = [];
  for (const { rule, isShadow, fromMs, untilMs } of planned) {
    const moment = { atMs: startedAtMs, lengthMs: untilMs - fromMs };
    const sources = await resolveSources(context, rule, routes, moment, kept[rule.name] ?? {});
    rules.push({ rule, fromMs: startedAtMs + fromMs, untilMs: startedAtMs + untilMs, isShadow, sources });
  }
  const measured = Object.values(facts?.before ?? {}).flatMap((before) =>
    before.state === "counts" ? [before.burstMs] : [],
  );
  return {
    startedAtMs,
    stages: stages.map(({ name, fromMs, untilMs: until, everyMs }) => ({
      name,
      fromMs: startedAtMs + fromMs,
      untilMs: startedAtMs + until,
      everyMs,
    })),
    rules,
    gatingRules: gatingRulesOf(planned),
    minBlockMs: settings.burst === undefined ? Math.max(0, ...measured) : msOf(settings.burst),
  };
}

async function resolveSources(
  { with: settings, sources: known, facts, release, previousRelease, signal }: WatchContext,
  rule: WatchRule,
  routes: readonly Routes[] | undefined,
  moment: { atMs: number; lengthMs: number },
  kept: NonNullable<KeptBaselines[string]>,
): Promise<RuleSource[]> {
  const found = sourcesOf(rule, known);
  if ("reason" in found) throw new TminusError("RUNBOOK_INVALID", found.reason, { hint: found.fix });
  const { condition } = rule;
  if (condition.kind === "probe") return [];
  const share = shareOf(routes, release);
  return Promise.all(
    found.sources.map(async ({ source, given }): Promise<RuleSource> => {
      let before: MeasuredBefore | undefined;
      if (condition.target.kind === "baseline") {
        const { from } = condition.target;
        const pinned = from.kind === "pinned" ? settings.baselines[from.id] : undefined;
        if (pinned !== undefined) before = { form: "counts", ...pinned };
        else if (kept[source.name] !== undefined) before = kept[source.name];
        else if (from.kind !== "pinned" && previousRelease !== undefined)
          before = asMeasured(
            await measureBaseline(source, condition.metric, previousRelease, from, moment, signal),
          );
      }
      const usual = facts?.before[seriesKey(source.name, rule)];
      const usualPerMinute =
        usual?.state === "counts" ? usual.perMinute * (given.perRelease ? (share ?? 1) : 1) : undefined;
      return {
        name: source.name,
        lagMs: source.traits.lagMs,
        test: resolveTest(rule, {
          form: given.form,
          before,
          exposure: exposureOf(routes, release, previousRelease),
        }),
        ...(before === undefined ? {} : { before }),
        ...(usualPerMinute === undefined ? {} : { usualPerMinute }),
      };
    }),
  );
}

/** By which the plan's measurement of a rule's series is found. */
export function seriesKey(source: string, { condition }: WatchRule): string {
  return condition.kind === "probe"
    ? `probe/${condition.probe}`
    : `${source}/${JSON.stringify(condition.metric)}`;
}

function shareOf(routes: readonly Routes[] | undefined, release: string): number | undefined {
  const percent = routes?.find((route) => route.release === release)?.percent;
  return percent === undefined ? undefined : percent / 100;
}

/** Of the traffic of the two that are compared. */
function exposureOf(
  routes: readonly Routes[] | undefined,
  release: string,
  previous: string | undefined,
): number | undefined {
  const own = shareOf(routes, release);
  const other = previous === undefined ? undefined : shareOf(routes, previous);
  return own === undefined || other === undefined || own + other === 0 ? undefined : own / (own + other);
}
