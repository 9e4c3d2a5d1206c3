import { parseDuration } from "../../lib/duration.ts";
import type { Json, JsonObject } from "../../model/json.ts";
import type { StepContext, StepResult } from "../../model/step-kind.ts";
import type { Verdict } from "../../model/verdict.ts";
import { fold, initialState, type WatchDefinition, type WatchState } from "../../watch/fold.ts";
import { describeProbe, describeRule } from "../../watch/rule.ts";
import { statusLine } from "../../watch/status-line.ts";
import { finalVerdict, openBreaches, type Breach } from "../../watch/verdict.ts";
import { emptyHistory, record, type History } from "./history.ts";
import { look } from "./look.ts";
import type { WatchSettings } from "./schema.ts";

/** What is kept of a watch at every tick, so that it goes on after a crash. */
export interface SavedWatch {
  watch: WatchState;
  history: History;
  /** The last signal that was answered to, or that came before the present question. */
  lastSignalId: number;
  /** A question to a person that is open. */
  isAsking: boolean;
  /** The outcome, kept before it is told to anyone. */
  ended: StepResult | null;
}

/** Why a watch stops looking by itself. */
export type Stop = { why: "broken"; breach: Breach } | { why: "over"; verdict: Verdict };

export interface Session {
  readonly definition: WatchDefinition;
  saved(): SavedWatch;
  save(changes: Partial<SavedWatch>): Promise<void>;
  /** Looks once, keeps what was seen, and says whether that ends the watch. */
  tick(): Promise<Stop | undefined>;
  /** Until the next tick is due; 0 when it is. */
  msToNextTick(): number;
  /** Begins the whole window anew. */
  restart(lastSignalId: number): Promise<void>;
  /** Keeps evidence and outcome, and gives the outcome back. */
  end(result: StepResult): Promise<StepResult>;
}

type WatchContext = StepContext<WatchSettings, null>;

const MAX_QUIET_MS = 10_000;
const MAX_LINES = 600;

/** Goes on where an earlier execution of the step stopped, or begins. */
export async function openSession(context: WatchContext): Promise<Session> {
  const definition = definitionOf(context);
  const nowMs = (): number => context.clock.now().getTime();
  const begin = (lastSignalId: number): SavedWatch => ({
    watch: initialState(definition, nowMs()),
    history: emptyHistory,
    lastSignalId,
    isAsking: false,
    ended: null,
  });
  let saved = ((await context.loadState()) as SavedWatch | undefined) ?? begin(0);
  let told = { atMs: -Infinity, states: "" };

  const save = async (changes: Partial<SavedWatch>): Promise<void> => {
    saved = { ...saved, ...changes };
    await context.saveState(saved as unknown as Json);
  };
  const tell = (atMs: number): void => {
    const states = statesOf(saved.watch);
    const quietMs = Math.min(MAX_QUIET_MS, definition.durationMs / MAX_LINES);
    if (states === told.states && atMs - told.atMs < quietMs) return;
    told = { atMs, states };
    context.progress(statusLine(definition, saved.watch, atMs));
  };
  return {
    definition,
    saved: () => saved,
    save,
    async tick() {
      const input = await look(context);
      const atMs = nowMs();
      const watch = fold(definition, saved.watch, input, atMs);
      await save({ watch, history: record(saved.history, watch, atMs) });
      tell(atMs);
      const breach = openBreaches(definition, watch)[0];
      if (breach !== undefined) return { why: "broken", breach };
      return atMs >= watch.endsAtMs ? { why: "over", verdict: finalVerdict(definition, watch) } : undefined;
    },
    msToNextTick() {
      const { lastTickMs, endsAtMs } = saved.watch;
      const atMs = nowMs();
      if (lastTickMs === null) return 0;
      const dueMs = lastTickMs + definition.intervalMs;
      return Math.max(0, (atMs < endsAtMs ? Math.min(dueMs, endsAtMs) : dueMs) - atMs);
    },
    restart: (lastSignalId) => save(begin(lastSignalId)),
    async end(result) {
      await context.evidence(
        "samples.json",
        JSON.stringify(evidenceOf(definition, saved, result), undefined, 2),
      );
      await save({ ended: result, isAsking: false });
      return result;
    },
  };
}

/** What the watch knows, for the step's result. */
export function summaryOf(session: Session): JsonObject {
  const { watch } = session.saved();
  const rules = session.definition.rules.map(({ id }): [string, Json] => {
    const last = watch.rules[id]?.lastJudged ?? null;
    return [id, last === null ? null : { value: last.value, requests: last.requests }];
  });
  return {
    startedAt: new Date(watch.startedAtMs).toISOString(),
    unwatchedMs: watch.unwatchedMs,
    lastJudged: Object.fromEntries(rules),
  };
}

function definitionOf({ with: settings, release, previousRelease }: WatchContext): WatchDefinition {
  return {
    rules: settings.rules,
    probes: settings.probes,
    release,
    previousRelease,
    durationMs: parseDuration(settings.duration) ?? 0,
    intervalMs: parseDuration(settings.every) ?? 0,
  };
}

/** Changes when a rule or probe changes its state, not when only a value moves. */
function statesOf({ rules, probes }: WatchState): string {
  const ruled = Object.values(rules).map(
    ({ status, breach }) => `${status.state}${breach === null ? "" : "!"}`,
  );
  const probed = Object.values(probes).map(
    ({ last, breach }) => `${last?.outcome ?? ""}${breach === null ? "" : "!"}`,
  );
  return [...ruled, ...probed].join();
}

function evidenceOf(definition: WatchDefinition, { watch, history }: SavedWatch, result: StepResult): Json {
  const iso = (ms: number): string => new Date(ms).toISOString();
  return {
    outcome: result.outcome,
    reason: result.reason,
    rules: definition.rules.map((rule) => `${rule.id}: ${describeRule(rule)}`),
    probes: definition.probes.map((probe) => `${probe.id}: ${describeProbe(probe)}`),
    release: definition.release,
    startedAt: iso(watch.startedAtMs),
    endsAt: iso(watch.endsAtMs),
    unwatchedMs: watch.unwatchedMs,
    gaps: watch.gaps.map(({ fromMs, toMs }) => ({ from: iso(fromMs), to: iso(toMs) })),
    ticks: history.ticks,
    oneRowPerTicks: history.stride,
    rows: history.rows as unknown as Json,
    recent: history.recent as unknown as Json,
  };
}
