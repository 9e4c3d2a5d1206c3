import { deadline, whenAborted } from "../../lib/clock.ts";
import type { Json } from "../../model/json.ts";
import type { StepResult } from "../../model/step-kind.ts";
import { foldProbe } from "../../watch/fold/probe-state.ts";
import { endMsOf, takeLook, takeProbe, type WatchJudgement } from "../../watch/fold/watch-state.ts";
import { parseRule } from "../../watch/rules/parse-rule.ts";
import { stageAt } from "./ask-source.ts";
import { defineWatch, type Routes } from "./define-watch.ts";
import { evidenceOf, LOOKS_EVIDENCE, looksOf, WATCH_EVIDENCE } from "./evidence.ts";
import type { WatchContext } from "./facts.ts";
import { recordRow } from "./history.ts";
import { lookAtSources, nextLookMs } from "./look.ts";
import { byOwnTime } from "./own-time.ts";
import { askProbe, askPublicUrl } from "./probe.ts";
import { keptBaselines, type KeptBaselines } from "./kept-baselines.ts";
import { rulesOf } from "./schema.ts";
import { beginWatch, continueWatch, SAVED_VERSION, type SavedWatch } from "./saved-watch.ts";
import { statusLine } from "./status-line.ts";
import { blindRules, findStop, hasHeldRule, judge, judgeAsEnded, newsOf, type Stop } from "./stop.ts";

export interface Session {
  saved(): SavedWatch;
  save(changes: Partial<SavedWatch>): Promise<void>;
  judgement(): WatchJudgement;
  /** As it would be if the watch ended with what is known now. */
  judgementOfNow(): WatchJudgement;
  /** Looks once, keeps what was seen, tells what is to be told, and says whether that stops the watch. */
  look(): Promise<Stop | undefined>;
  /** Until the next look is due; 0 when it is. */
  msToNextLook(): number;
  /** Begins the whole window anew. */
  restart(lastSignalId: number): Promise<void>;
  /** Puts the end off by as much as the watch is long. */
  extend(): Promise<void>;
  /** Keeps evidence and outcome, and gives the outcome back. */
  end(result: StepResult): Promise<StepResult>;
}

const FALLBACK_RULE = "public-address: when probe(public) fails for 3 of 3 -> rollback";
/** What is live is looked at this often: that nobody else changed it. */
const LIVE_EVERY_MS = 60_000;
const LIVE_LIMIT_MS = 10_000;
const MAX_INTERRUPTIONS = 50;
const MAX_QUIET_MS = 60_000;
const MAX_LINES = 600;
/** Two looks that lie further apart than twice the pause and this have an interruption between them. */
const ALLOWANCE_MS = 3_000;

/** Goes on where an earlier execution of the step stopped, or begins. */
export async function openSession(given: WatchContext): Promise<Session> {
  const found = (await given.loadState()) as SavedWatch | undefined;
  const isKnown = found?.version === SAVED_VERSION;
  const time = byOwnTime(
    given,
    isKnown ? { ...continueWatch(found), startedAtMs: found.definition.startedAtMs } : undefined,
  );
  const { context } = time;
  const nowMs = (): number => context.clock.now().getTime();
  const begin = async (lastSignalId: number, kept: KeptBaselines = {}): Promise<SavedWatch> => {
    const routes = await routesNow(context);
    const definition = await defineWatch(context, nowMs(), routes, kept);
    return beginWatch(definition, routes, lastSignalId);
  };
  const kept = found === undefined || isKnown ? undefined : keptBaselines(found);
  if (kept !== undefined) context.progress(beginsAnewText(context, kept));
  let saved = isKnown ? continueWatch(found) : await begin(0, kept);
  let moved: string | undefined;
  /** In this life: the engine itself sends each page once. */
  const paged = new Set<string>();
  let told = { atMs: -Infinity, states: "" };

  const save = async (changes: Partial<SavedWatch>): Promise<void> => {
    const changed = { ...saved, ...changes };
    const clockSteps = [...changed.clockSteps, ...time.takeSteps()].slice(-MAX_INTERRUPTIONS);
    saved = { ...changed, clockSteps, steppedMs: time.steppedMs() };
    await context.saveState(saved as unknown as Json);
  };
  const judgement = (): WatchJudgement => judge(saved, nowMs());
  const tell = (atMs: number, judged: WatchJudgement): void => {
    const states = JSON.stringify(Object.values(judged.rules).map(({ verdict }) => verdict)) + ticksOf(saved);
    const lengthMs = endMsOf(saved.definition) - saved.definition.startedAtMs;
    const quietMs = Math.min(MAX_QUIET_MS, lengthMs / MAX_LINES);
    if (states === told.states && atMs - told.atMs < quietMs) return;
    told = { atMs, states };
    context.progress(statusLine(saved, judged, atMs));
  };
  if (!isKnown) await save({});

  return {
    saved: () => saved,
    save,
    judgement,
    judgementOfNow: () => judgeAsEnded(saved, saved.lastLookMs ?? nowMs()),
    async look() {
      const startMs = nowMs();
      const seen = await lookAtSources(context, saved);
      const probes = await askProbes(context, saved);
      const live = await lookAtLive(context, saved, startMs);
      if (live !== undefined) moved = live.moved;
      const atMs = nowMs();
      let next: SavedWatch = { ...saved, counters: seen.counters, notBeforeMs: seen.notBeforeMs };
      for (const one of seen.looks) {
        const watch = takeLook(next.definition, next.watch, one);
        const before = next.watch.rules[one.rule]?.[one.source];
        const after = watch.rules[one.rule]?.[one.source];
        const history =
          before === undefined || after === undefined || before === after
            ? next.history
            : recordRow(next.history, next.definition, one, before, after);
        next = { ...next, watch, history };
      }
      for (const { rule, outcome } of probes)
        next = { ...next, watch: takeProbe(next.definition, next.watch, rule, outcome, startMs) };
      next = { ...next, ...pausedBy(next, judge(next, atMs), startMs) };
      if (next.blindSinceMs !== null) {
        const isCutOff =
          seen.looks.every((one) => one.seen.state === "error") &&
          !probes.some(({ outcome }) => outcome.outcome === "ok");
        const outcome = await askPublicUrl(context.environment.url, context.signal, isCutOff);
        next = { ...next, fallback: foldProbe(fallbackRule(), next.fallback, outcome, startMs) };
      }
      await save({
        ...next,
        lastLookMs: startMs,
        lastLiveLookMs: live === undefined ? saved.lastLiveLookMs : startMs,
        interruptions: interruptedBy(saved, startMs),
      });
      const judged = judgement();
      await tellNews(context, saved, judged, paged, save);
      tell(atMs, judged);
      return findStop(saved, context.with, judged, { nowMs: nowMs(), moved, release: context.release });
    },
    msToNextLook() {
      const atMs = nowMs();
      return nextLookMs(saved, atMs) - atMs;
    },
    async restart(lastSignalId) {
      moved = undefined;
      await save(await begin(lastSignalId));
    },
    async extend() {
      const { definition, extendedMs } = saved;
      await save({ extendedMs: extendedMs + endMsOf(definition) - definition.startedAtMs });
    },
    async end(result) {
      await context.evidence(
        WATCH_EVIDENCE,
        JSON.stringify(sorted(evidenceOf(saved, judgement(), result)), undefined, 2),
      );
      await context.evidence(LOOKS_EVIDENCE, JSON.stringify(looksOf(saved), undefined, 2));
      await save({ ended: result, asking: null });
      return result;
    },
  };
}

function beginsAnewText({ with: settings }: WatchContext, kept: KeptBaselines): string {
  const needed = rulesOf(settings).flatMap(({ rule: { name, condition } }) =>
    condition.kind === "measure" &&
    condition.target.kind === "baseline" &&
    condition.target.from.kind !== "pinned"
      ? [name]
      : [],
  );
  const stays = needed.filter((name) => kept[name] !== undefined);
  const lost = needed.filter((name) => kept[name] === undefined);
  return [
    "what another version of tminus kept of this watch is not understood: it begins anew",
    ...(stays.length === 0 ? [] : [`with the baseline that was measured for ${stays.join(", ")}`]),
    ...(lost.length === 0 ? [] : [`the baseline of ${lost.join(", ")} is measured again`]),
  ].join("; ");
}

/** With its keys in order: what was kept comes back from the store with others than it went there. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

function fallbackRule() {
  const parsed = parseRule(FALLBACK_RULE);
  if ("problem" in parsed) throw new Error(parsed.problem.message);
  return parsed.rule;
}

async function routesNow({ target, signal }: WatchContext): Promise<Routes[] | undefined> {
  const traffic = await target.traffic().catch(() => undefined);
  signal.throwIfAborted();
  return traffic?.state === "present"
    ? traffic.value.routes.map(({ release, percent }) => ({ release, percent }))
    : undefined;
}

async function askProbes(
  { with: settings, environment, signal }: WatchContext,
  { definition, watch, extendedMs }: SavedWatch,
) {
  const asked = new Map(
    settings.probes.map((probe) => [probe.name, () => askProbe(probe, environment.url, signal)]),
  );
  const open = definition.rules.filter(
    ({ rule, untilMs }) => watch.probes[rule.name]?.failure === null && untilMs + extendedMs > 0,
  );
  const answers = new Map<string, Promise<Awaited<ReturnType<typeof askProbe>>>>();
  return Promise.all(
    open.flatMap(({ rule }) => {
      if (rule.condition.kind !== "probe") return [];
      const { probe } = rule.condition;
      const ask = asked.get(probe);
      if (ask === undefined) return [];
      const answer = answers.get(probe) ?? ask();
      answers.set(probe, answer);
      return [answer.then((outcome) => ({ rule: rule.name, outcome }))];
    }),
  );
}

/** Undefined when it was not time to look, or when the target did not say: not knowing is no change. */
async function lookAtLive(
  context: WatchContext,
  { lastLiveLookMs, routes }: SavedWatch,
  nowMs: number,
): Promise<{ moved: string | undefined } | undefined> {
  if (routes === null || (lastLiveLookMs !== null && nowMs - lastLiveLookMs < LIVE_EVERY_MS))
    return undefined;
  const late = whenAborted(deadline(LIVE_LIMIT_MS, context.signal)).then(() => undefined);
  const now = await (lastLiveLookMs === null
    ? Promise.resolve(routes)
    : Promise.race([routesNow(context), late]));
  if (now === undefined) return undefined;
  const before = wordsOf(routes);
  return {
    moved:
      wordsOf(now) === before ? undefined : `live is ${wordsOf(now)}, and was ${before} when the watch began`,
  };
}

function wordsOf(routes: readonly Routes[]): string {
  const serving = routes
    .filter(({ percent }) => percent > 0)
    .toSorted((a, b) => (a.release < b.release ? -1 : 1));
  return serving.map(({ release, percent }) => `${release} ${percent} %`).join(", ") || "nothing";
}

/** The clock of the watch stands still while nobody can see, and while there is too much evidence to go on: at most once its length. */
function pausedBy(
  saved: SavedWatch,
  judgement: WatchJudgement,
  nowMs: number,
): Pick<SavedWatch, "blindSinceMs" | "blindSpans" | "pausedMs" | "extendedMs"> {
  const { definition, lastLookMs, blindSinceMs, pausedMs, extendedMs } = saved;
  const isBlind = blindRules(saved, judgement).length > 0;
  const endMs = endMsOf(definition) + extendedMs;
  const isHolding = nowMs >= endMs && hasHeldRule(saved);
  const sinceMs = isBlind ? (blindSinceMs ?? nowMs) : null;
  const hasEnded = blindSinceMs !== null && !isBlind;
  const blindSpans = hasEnded
    ? [...saved.blindSpans, { fromMs: blindSinceMs, toMs: nowMs }].slice(-MAX_INTERRUPTIONS)
    : saved.blindSpans;
  const sight = { blindSinceMs: sinceMs, blindSpans };
  if (!isBlind && !isHolding) return { ...sight, pausedMs, extendedMs };
  const leftMs = endMsOf(definition) - definition.startedAtMs - pausedMs;
  const stepMs = isHolding ? stageAt(definition.stages, nowMs).everyMs : nowMs - (lastLookMs ?? nowMs);
  const addedMs = Math.max(0, Math.min(leftMs, stepMs));
  return { ...sight, pausedMs: pausedMs + addedMs, extendedMs: extendedMs + addedMs };
}

function interruptedBy(
  { definition, lastLookMs, interruptions }: SavedWatch,
  nowMs: number,
): SavedWatch["interruptions"] {
  if (lastLookMs === null) return interruptions;
  const { everyMs } = stageAt(definition.stages, lastLookMs);
  const isGap = nowMs - lastLookMs > 2 * everyMs + ALLOWANCE_MS;
  return isGap && interruptions.length < MAX_INTERRUPTIONS
    ? [...interruptions, { fromMs: lastLookMs, toMs: nowMs }]
    : interruptions;
}

/** Each thing once. */
async function tellNews(
  context: WatchContext,
  saved: SavedWatch,
  judgement: WatchJudgement,
  paged: Set<string>,
  save: (changes: Partial<SavedWatch>) => Promise<void>,
): Promise<void> {
  const blind = blindRules(saved, judgement);
  const all = [
    ...newsOf(saved, judgement),
    ...(blind.length === 0
      ? []
      : [
          {
            key: `blind ${saved.blindSinceMs}`,
            isPage: true,
            text: `cannot see ${blind.join(", ")}: ${judgement.reason}`,
          },
        ]),
  ];
  for (const { key, isPage, text } of all) {
    if (!isPage || paged.has(key)) continue;
    paged.add(key);
    page(context, key, text);
  }
  const news = all.filter(({ key }) => !saved.told.includes(key));
  if (news.length === 0) return;
  for (const { text } of news) context.progress(text);
  await save({ told: [...saved.told, ...news.map(({ key }) => key)].slice(-MAX_TOLD) });
}

const MAX_TOLD = 200;

/** Looking goes on meanwhile; the engine sees to it that the page goes out. */
function page(context: WatchContext, key: string, text: string): void {
  const { environment, release, runId } = context;
  const message = {
    title: `${environment.name}: watching ${release}`,
    text: `${text}. Look: tminus watch ${runId}`,
  };
  const telling = async (): Promise<void> => {
    const { undelivered } = await context.page(key, message);
    for (const { channel, reason } of undelivered)
      context.progress(`${channel} could not be told: ${reason}`);
  };
  telling().catch((error: unknown) => {
    if (!context.signal.aborted) context.progress(`people could not be told: ${String(error)}`);
  });
}

function ticksOf({ watch }: SavedWatch): string {
  return Object.values(watch.rules)
    .flatMap((sources) => Object.values(sources))
    .map(({ tick, failure }) => `${tick?.state ?? ""}${failure === null ? "" : "!"}`)
    .join();
}
