import type { StepResult } from "../../model/step-kind.ts";
import type { WatchDefinition } from "../../watch/fold/definition.ts";
import { initialProbeState, type ProbeState } from "../../watch/fold/probe-state.ts";
import { initialWatch, type WatchState } from "../../watch/fold/watch-state.ts";
import type { CounterReading } from "./ask-source.ts";
import type { Routes } from "./define-watch.ts";
import { emptyHistory, type History } from "./history.ts";

/**
 * What is kept of a watch after every look, so that it goes on after a crash and after an upgrade. Plain JSON and
 * bounded. A version that this tminus does not know begins anew, and says so.
 */
export interface SavedWatch {
  version: typeof SAVED_VERSION;
  definition: WatchDefinition;
  watch: WatchState;
  history: History;
  /** Who had which share when it began; null when the target did not say. */
  routes: Routes[] | null;
  /** What sources of cumulative counters said last. */
  counters: Record<string, CounterReading>;
  /** By source: ask no sooner. */
  notBeforeMs: Record<string, number>;
  lastLookMs: number | null;
  lastLiveLookMs: number | null;
  /** Times in which nobody looked; what a source could be asked about afterwards is not lost. */
  interruptions: { fromMs: number; toMs: number }[];
  /** By how much the wall clock is ahead of the times of the watch: what it jumped by is no part of the watch. */
  steppedMs: number;
  /** The newest steps of the wall clock. */
  clockSteps: ClockStep[];
  /** By how much the end was put off: for blindness, and by people. */
  extendedMs: number;
  /** Of that, because nobody could see. */
  pausedMs: number;
  /** Since when gating rules are blind. */
  blindSinceMs: number | null;
  /** When they were before that; the newest. */
  blindSpans: { fromMs: number; toMs: number }[];
  /** The public address, asked while nothing else can be seen. */
  fallback: ProbeState;
  /** What a person let stand, by rule. */
  accepted: Record<string, Acceptance>;
  /** What people were told already. */
  told: string[];
  /** The last signal that was answered to, or that came before the present question. */
  lastSignalId: number;
  /** The question that is open. */
  asking: { key: string; approvals: string[] } | null;
  /** The outcome, kept before it is told to anyone. */
  ended: StepResult | null;
}

/** The wall clock jumped, on or back when negative; `atMs` by the time of the watch. */
export interface ClockStep {
  atMs: number;
  byMs: number;
}

/** Who said that something may stand. */
export interface Acceptance {
  /** Only that it cannot be seen, or that requests have stopped: a breach that is seen later counts all the same. */
  isUnseen?: true;
  by: string;
  note: string;
  atMs: number;
}

export const SAVED_VERSION = 2;

export function beginWatch(
  definition: WatchDefinition,
  routes: Routes[] | undefined,
  lastSignalId: number,
): SavedWatch {
  return {
    version: SAVED_VERSION,
    definition,
    watch: initialWatch(definition),
    history: emptyHistory,
    routes: routes ?? null,
    counters: {},
    notBeforeMs: {},
    lastLookMs: null,
    lastLiveLookMs: null,
    interruptions: [],
    steppedMs: 0,
    clockSteps: [],
    extendedMs: 0,
    pausedMs: 0,
    blindSinceMs: null,
    blindSpans: [],
    fallback: initialProbeState,
    accepted: {},
    told: [],
    lastSignalId,
    asking: null,
    ended: null,
  };
}

/** What a tminus of the same version of this shape has kept; what it did not keep yet is as at the beginning. */
export function continueWatch(found: SavedWatch): SavedWatch {
  return { ...beginWatch(found.definition, found.routes ?? undefined, found.lastSignalId), ...found };
}

/** When gating rules were blind; while they still are, up to `untilMs`. */
export function blindSpansOf(
  { blindSpans, blindSinceMs }: Pick<SavedWatch, "blindSpans" | "blindSinceMs">,
  untilMs: number,
): SavedWatch["blindSpans"] {
  return blindSinceMs === null ? blindSpans : [...blindSpans, { fromMs: blindSinceMs, toMs: untilMs }];
}
