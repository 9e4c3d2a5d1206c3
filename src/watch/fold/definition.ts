import type { WatchRule } from "../rules/watch-rule.ts";
import type { MeasuredBefore } from "./resolve-test.ts";

/**
 * A watch with everything resolved that its fold needs beside what is seen: frozen when the watch begins and stored
 * with it, so that an edit or an upgrade in mid-watch changes nothing. Plain JSON. All times are ms since 1970.
 */
export interface WatchDefinition {
  /** The instant at which traffic changed; nothing before it is looked at. */
  startedAtMs: number;
  /** In order of time, one after another. */
  stages: WatchStage[];
  rules: RuleDefinition[];
  /** Among how many rules the risk of a false rollback is divided; more where a rule asks several sources. */
  gatingRules: number;
  /** Blocks of evidence are at least this long: how long errors stay together that are no regression. */
  minBlockMs: number;
}

/** Part of a watch with its own cadence. */
export interface WatchStage {
  name: string;
  fromMs: number;
  untilMs: number;
  everyMs: number;
}

export interface RuleDefinition {
  rule: WatchRule;
  /** When it is watched. */
  fromMs: number;
  untilMs: number;
  /** It says what it would have done, and does nothing. */
  isShadow: boolean;
  /** Asked independently of each other; the worse of what is seen counts. Empty for a rule about a probe. */
  sources: RuleSource[];
}

export interface RuleSource {
  name: string;
  /** How old data must be before it counts. */
  lagMs: number;
  test: RuleTest;
  /** What was measured before, that the test's limit comes from. */
  before?: MeasuredBefore;
  /** Requests a minute before the watch, scaled to the release's share of traffic; undefined when not known. */
  usualPerMinute?: number;
}

/** How what is seen is held against the rule. */
export type RuleTest =
  | ShareTest
  | ControlTest
  /** Literally: the value over the window crosses the limit. */
  | { how: "value"; limit: number; unit: "of-max" | "plain" }
  /** Events are counted. */
  | { how: "events"; limit: number }
  /** It cannot be decided, from the beginning: its baseline is missing. */
  | { how: "undecidable"; reason: string };

/** Counts of bad of total against a share. */
export interface ShareTest {
  how: "share";
  /** 0 to 1, of what `isFlipped` makes bad. */
  target: number;
  /** The rule is about too few, not too many: what the source counts is the good part. */
  isFlipped: boolean;
  /** Odds of a false alarm in the whole watch, 0 to 1; undefined: literally, without evidence. */
  alpha?: number;
  /** Error budget: the share must exceed the target over both windows as well. */
  burn?: { longMs: number; shortMs: number };
}

/** Counts of the release beside those of the version that runs at the same time. */
export interface ControlTest {
  how: "control";
  /** At most this many times the control's share, plus `plus`; both are shares of what `isFlipped` makes bad. */
  times: number;
  /** -1 to 1. */
  plus: number;
  /** Below this share nothing is wrong, whatever the control shows. */
  floor: number;
  isFlipped: boolean;
  alpha?: number;
  /** The share of the traffic that the release should have, when known. */
  exposure?: number;
}

/** Rules that can stop a release; the others only tell. */
export function isGating({ rule, isShadow }: Pick<RuleDefinition, "rule" | "isShadow">): boolean {
  return !isShadow && rule.action !== "page" && rule.action !== "note";
}

/** Of one rule: the sliding window, and for how long it must hold. Requirement E5. */
export function windowMsOf({ condition, hold }: WatchRule): number {
  const own = condition.kind === "measure" ? condition.overMs : undefined;
  return own ?? (hold?.kind === "for" ? hold.ms : DEFAULT_WINDOW_MS);
}

/** Whether the rule ends with the watch, and is prolonged with it. */
export function endsWithWatch(
  { stages, startedAtMs }: WatchDefinition,
  { untilMs }: RuleDefinition,
): boolean {
  return untilMs >= (stages.at(-1)?.untilMs ?? startedAtMs);
}

/**
 * The last data about a rule's time may come this much later than its end, beyond the source's lag: the span in which
 * the end of a prolonged watch lies has to be over, and somebody has to look after that.
 */
export function maxLateMs({ stages }: WatchDefinition): number {
  const longestMs = Math.max(...stages.map(({ everyMs }) => everyMs));
  return Math.max(LEAST_LATE_MS, 2 * longestMs);
}

/** What a rule without its own floor needs in its window before its literal value means anything. Requirement I. */
export function leastOf({ sample }: WatchRule, test: RuleTest): number {
  if (sample !== undefined) return sample.least;
  return test.how === "share" || test.how === "control" ? DEFAULT_LEAST_REQUESTS : 1;
}

const LEAST_LATE_MS = 10 * 60_000;
const DEFAULT_WINDOW_MS = 5 * 60_000;
const DEFAULT_LEAST_REQUESTS = 50;
