import type { SignalSource } from "../../model/signal-source.ts";
import { maxLateMs, type RuleDefinition } from "../../watch/fold/definition.ts";
import type { Look, Seen } from "../../watch/fold/look.ts";
import { askSource, stageAt, type SeenSpan, type SourceFinding, type SourceQuestion } from "./ask-source.ts";
import type { WatchContext } from "./facts.ts";
import { sourcesOf } from "./rule-sources.ts";
import type { SavedWatch } from "./saved-watch.ts";

export interface SourceLooks {
  /** In the order in which they are to be taken in. */
  looks: Look[];
  counters: SavedWatch["counters"];
  notBeforeMs: SavedWatch["notBeforeMs"];
}

/** What one source is asked for one rule. */
interface Task {
  definition: RuleDefinition;
  source: SignalSource;
  release: SourceQuestion;
  control: SourceQuestion | undefined;
}

/**
 * Asks every source about everything that is not known yet, all at once; one series is asked for once, whatever number
 * of rules look at it. Throws only the reason of the context's signal.
 */
export async function lookAtSources(context: WatchContext, saved: SavedWatch): Promise<SourceLooks> {
  const nowMs = context.clock.now().getTime();
  const tasks = tasksOf(context, saved, nowMs);
  const asked = new Map<string, Promise<SourceFinding>>();
  const ask = (question: SourceQuestion): Promise<SourceFinding> => {
    // Differences of a counter begin at its last reading, whatever a rule knows already.
    const fromMs = question.counter === undefined ? question.cursorMs : null;
    const key = JSON.stringify([seriesOf(question), fromMs, question.form]);
    const known = asked.get(key);
    if (known !== undefined) return known;
    const asking = askSource(question, context.signal);
    asked.set(key, asking);
    return asking;
  };
  const found = await Promise.all(
    tasks.map(async (task) => ({
      task,
      release: await ask(task.release),
      control: task.control === undefined ? undefined : await ask(task.control),
    })),
  );
  const alive = new Set(
    found.filter(({ release }) => release.spans.length > 0).map(({ task }) => task.source.name),
  );
  const counters = { ...saved.counters };
  const notBeforeMs = { ...saved.notBeforeMs };
  const looks = found.flatMap(({ task, release, control }) => {
    for (const [question, finding] of [
      [task.release, release],
      [task.control, control],
    ] as const) {
      if (question !== undefined && finding?.counter !== undefined)
        counters[seriesOf(question)] = finding.counter;
      if (finding?.notBeforeMs !== undefined) notBeforeMs[task.source.name] = finding.notBeforeMs;
    }
    return looksOf(task, release, control, alive.has(task.source.name), nowMs);
  });
  return { looks, counters, notBeforeMs };
}

function tasksOf(
  { sources, release, previousRelease }: WatchContext,
  saved: SavedWatch,
  nowMs: number,
): Task[] {
  const { definition, watch, counters, notBeforeMs } = saved;
  return definition.rules.flatMap((own): Task[] => {
    const { rule, fromMs, untilMs } = own;
    if (rule.condition.kind === "probe" || nowMs < fromMs) return [];
    const found = sourcesOf(rule, sources);
    if ("reason" in found) return [];
    const { metric } = rule.condition;
    return found.sources.flatMap(({ source, given }): Task[] => {
      const state = watch.rules[rule.name]?.[source.name];
      if (state === undefined || state.failure !== null || state.cursorMs >= untilMs + saved.extendedMs)
        return [];
      const giveUpMs = untilMs + saved.extendedMs + source.traits.lagMs + maxLateMs(definition) + MAX_LATE_MS;
      if (nowMs >= giveUpMs || nowMs < (notBeforeMs[source.name] ?? 0)) return [];
      const stages = isLast(saved, own)
        ? definition.stages
        : definition.stages.filter((stage) => stage.fromMs < untilMs);
      const question = (of: string): SourceQuestion => {
        const base = {
          source,
          metric,
          form: given.form,
          release: of,
          cursorMs: state.cursorMs,
          stages,
          nowMs,
        };
        return { ...base, counter: counters[seriesOf({ ...base, counter: undefined })] };
      };
      const needsControl = own.sources.some(
        ({ name, test }) => name === source.name && test.how === "control",
      );
      if (needsControl && previousRelease === undefined) return [];
      const control = needsControl && previousRelease !== undefined ? question(previousRelease) : undefined;
      return [{ definition: own, source, release: question(release), control }];
    });
  });
}

/** After that the verdict waits for it no longer; what a slow look brings still counts. */
const MAX_LATE_MS = 5 * 60_000;

function isLast({ definition }: SavedWatch, { untilMs }: RuleDefinition): boolean {
  return untilMs === definition.stages.at(-1)?.untilMs;
}

function seriesOf({ source, metric, release }: SourceQuestion): string {
  return `${source.name} ${release} ${JSON.stringify(metric)}`;
}

function looksOf(
  { definition, source }: Task,
  release: SourceFinding,
  control: SourceFinding | undefined,
  isAlive: boolean,
  nowMs: number,
): Look[] {
  const base = { rule: definition.rule.name, source: source.name };
  const lookOf = ({ fromMs, toMs, seen }: SeenSpan, other?: Seen): Look => ({
    ...base,
    fromMs,
    toMs,
    askedAtMs: toMs + source.traits.lagMs,
    seen,
    ...(other === undefined ? {} : { control: other }),
  });
  const looks = release.spans.flatMap((span, index): Look[] => {
    if (control === undefined) return [lookOf(span)];
    // Counters are read one after the other, within moments; points of the past have the same times.
    const beside =
      release.counter === undefined
        ? control.spans.find(({ toMs }) => toMs === span.toMs)
        : control.spans[index];
    return beside === undefined ? [] : [lookOf(span, beside.seen)];
  });
  const beside = looks.length === 0 ? control?.unanswered : undefined;
  const unanswered = release.unanswered ?? beside;
  if (unanswered === undefined) return looks;
  const { seen } = unanswered;
  // When the release that it is compared with says nothing, its own requests have not stopped.
  const told: Seen =
    seen.state !== "no-data"
      ? seen
      : release.unanswered === undefined
        ? { ...seen, isAlive: false, reason: `of the release that it is compared with: ${seen.reason}` }
        : { ...seen, isAlive };
  return [...looks, { ...lookOf({ ...unanswered, seen: told }), askedAtMs: nowMs }];
}

/** While nothing else can be seen, the public address is asked this often. */
const FALLBACK_EVERY_MS = 5_000;

/** When the next look is due: by the watch's own grid, or sooner while it is blind. Not before now. */
export function nextLookMs({ definition, lastLookMs, blindSinceMs }: SavedWatch, nowMs: number): number {
  const { startedAtMs, stages } = definition;
  if (lastLookMs === null) return Math.max(nowMs, startedAtMs);
  const stage = stageAt(stages, lastLookMs);
  const passed = Math.floor((lastLookMs - stage.fromMs) / stage.everyMs) + 1;
  const nextMs = stage.fromMs + passed * stage.everyMs;
  const dueMs = lastLookMs < stage.untilMs ? Math.min(nextMs, stage.untilMs) : nextMs;
  return Math.max(nowMs, blindSinceMs === null ? dueMs : Math.min(dueMs, lastLookMs + FALLBACK_EVERY_MS));
}
