import { formatDuration } from "../../lib/duration.ts";
import type { FailureToCure } from "../../model/step-kind.ts";
import type { SignalSource } from "../../model/signal-source.ts";
import type { Verdict } from "../../model/verdict.ts";
import { blockOf } from "../../watch/fold/added.ts";
import { facing, plus } from "../../watch/fold/confident.ts";
import { allowedShare } from "../../watch/fold/allowed-share.ts";
import {
  leastOf,
  type ControlTest,
  type RuleDefinition,
  type RuleTest,
  type ShareTest,
} from "../../watch/fold/definition.ts";
import { isCrossing, limitOf } from "../../watch/fold/limit.ts";
import type { Block } from "../../watch/statistics/block-evidence.ts";
import { countText, formatValue } from "../../watch/fold/words.ts";
import type { WatchRule } from "../../watch/rules/watch-rule.ts";
import { backToNormal } from "./back-to-normal.ts";
import { askSource, type CounterReading, type SourceFinding } from "./ask-source.ts";
import { askProbe } from "./probe.ts";
import { sourcesOf } from "./rule-sources.ts";
import type { SavedWatch } from "./saved-watch.ts";
import type { WatchContext } from "./facts.ts";

const PROBES = 3;
const PROBE_EVERY_MS = 500;

/**
 * Whether what a rule was about is over, by the rule's own condition on what serves now, over the window. Requirement F3.
 * A failure that was no rule's (a person's word) says nothing: the engine's own look decides.
 */
export async function curedWatch(context: WatchContext, failure: FailureToCure): Promise<Verdict> {
  const saved = (await context.loadState()) as SavedWatch | undefined;
  const failed = failure.result.failedRule as { name?: string; source?: string } | undefined;
  const own = saved?.definition.rules.find(({ rule }) => rule.name === failed?.name);
  if (saved === undefined || own === undefined)
    return { verdict: "pass", reason: "no rule has to be looked at again" };
  if (own.rule.condition.kind === "probe") return probeAgain(context, own);
  const found = sourcesOf(own.rule, context.sources);
  const asked = own.sources.find(({ name }) => name === failed?.source) ?? own.sources[0];
  if ("reason" in found || asked === undefined)
    return { verdict: "unknown", reason: `${own.rule.name} cannot be asked for again` };
  const { source, given } = found.sources.find((one) => one.source.name === asked.name) ?? found.sources[0]!;
  const control = saved.watch.rules[own.rule.name]?.[asked.name]?.controlSum ?? { bad: 0, total: 0 };
  const seen = await measureWindow(context, own, source, asked.test, given.form, failure);
  if ("reason" in seen) return { verdict: "unknown", reason: `${own.rule.name}: ${seen.reason}` };
  return judge(own, asked.test, control, seen, failure);
}

/** Waits for the window, and for the source's lag after it, and adds up what serves. */
async function measureWindow(
  { clock, signal }: WatchContext,
  { rule }: RuleDefinition,
  source: SignalSource,
  test: RuleTest,
  form: "counts" | "events" | "values",
  { windowMs, serving }: FailureToCure,
): Promise<Block | { reason: string }> {
  if (rule.condition.kind === "probe" || serving.length === 0) return { reason: "nothing serves" };
  const { metric } = rule.condition;
  const fromMs = clock.now().getTime();
  const stepMs = Math.max(source.traits.floorMs, windowMs);
  const stages = [{ name: "cure", fromMs, untilMs: fromMs + stepMs, everyMs: stepMs }];
  const ask = (release: string, counter: CounterReading | undefined): Promise<SourceFinding> =>
    askSource(
      { source, metric, form, release, cursorMs: fromMs, stages, nowMs: clock.now().getTime(), counter },
      signal,
    );
  const first = await Promise.all(serving.map((release) => ask(release, undefined)));
  await clock.sleep(stepMs + source.traits.lagMs, signal);
  const last = await Promise.all(serving.map((release, index) => ask(release, first[index]?.counter)));
  const silent = last.find(({ spans }) => spans.length === 0);
  if (silent !== undefined) {
    const why = silent.unanswered?.seen;
    return { reason: why !== undefined && "reason" in why ? why.reason : "nothing was seen" };
  }
  const blocks = last.flatMap(({ spans }) => spans.map(({ seen }) => blockOf(test, seen)));
  const impossible = blocks.find((block) => typeof block === "string");
  if (impossible !== undefined) return { reason: impossible };
  return blocks.filter((block) => typeof block !== "string").reduce(plus, { bad: 0, total: 0 });
}

function judge(
  { rule }: RuleDefinition,
  test: RuleTest,
  control: Block,
  seen: Block,
  { windowMs, minRequests }: FailureToCure,
): Verdict {
  if (seen.total <= 0)
    return {
      verdict: "unknown",
      reason: `${rule.name}: there was no request in ${formatDuration(windowMs)}`,
    };
  return test.how === "share" || test.how === "control"
    ? judgeShare(rule, test, control, seen, windowMs, minRequests)
    : judgeValue(rule, test, control, seen, windowMs);
}

function judgeShare(
  rule: WatchRule,
  test: ShareTest | ControlTest,
  control: Block,
  seen: Block,
  windowMs: number,
  minRequests: number | undefined,
): Verdict {
  const allowed = allowedShare(test, control, "upper");
  if (allowed === undefined) return { verdict: "unknown", reason: `${rule.name} has no limit any more` };
  const { bad, total } = facing(seen, test.isFlipped);
  const { verdict, words } = backToNormal(
    { bad, total },
    { allowed, least: minRequests ?? leastOf(rule, test), isEnough: minRequests !== undefined },
    "bad after the rollback",
  );
  const evidence = { value: (100 * bad) / total, limit: 100 * allowed, total, windowMs };
  return { verdict, reason: `${rule.name}: ${words}`, evidence };
}

function judgeValue(
  rule: WatchRule,
  test: RuleTest,
  control: Block,
  { bad, total }: Block,
  windowMs: number,
): Verdict {
  const limit = limitOf(rule, test, control);
  if (limit === undefined) return { verdict: "unknown", reason: `${rule.name} has no limit any more` };
  const value = test.how === "events" ? bad : bad / total;
  const text = `${rule.name}: ${formatValue(rule, test, value)} after the rollback`;
  const evidence = { value, limit, total, windowMs };
  const least = leastOf(rule, test);
  // Events have no total: their number is what a rule may ask for.
  const count = test.how === "events" ? bad : total;
  const compare = rule.condition.kind === "measure" ? rule.condition.compare : ">";
  const isCrossed = isCrossing(compare, value, limit);
  const isOver = rule.kind === "when" ? isCrossed : !isCrossed;
  if (isOver && count < least)
    return {
      verdict: "unknown",
      reason: `${text}, by ${countText(count)} of at least ${countText(least)} to tell`,
      evidence,
    };
  return {
    verdict: isOver ? "fail" : "pass",
    reason: `${text}, where ${formatValue(rule, test, limit)} is the limit`,
    evidence,
  };
}

async function probeAgain(
  { with: settings, environment, clock, signal }: WatchContext,
  { rule }: RuleDefinition,
): Promise<Verdict> {
  const { condition } = rule;
  const probe = settings.probes.find(({ name }) => condition.kind === "probe" && name === condition.probe);
  if (probe === undefined) return { verdict: "unknown", reason: `${rule.name}: there is no such probe` };
  for (let time = 0; time < PROBES; time++) {
    if (time > 0) await clock.sleep(PROBE_EVERY_MS, signal);
    const answer = await askProbe(probe, environment.url, signal);
    if (answer.outcome === "ok") continue;
    return {
      verdict: answer.outcome === "failed" ? "fail" : "unknown",
      reason: `${rule.name}: ${answer.reason}`,
    };
  }
  return { verdict: "pass", reason: `${rule.name}: ${PROBES} answers good after the rollback` };
}
