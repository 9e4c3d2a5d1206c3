import type { Metric } from "./metric.ts";

/**
 * What a step that watches rules has seen and how it decides, for people and for charts. Plain JSON; all times are ms
 * since 1970, so that whoever shows it can count down by its own clock.
 */
export interface WatchReport {
  startedAtMs: number;
  /** When it is over, if nothing prolongs it any further. */
  endsAtMs: number;
  stages: { name: string; fromMs: number; untilMs: number; everyMs: number }[];
  /** In the order of the runbook. */
  rules: RuleReport[];
  /** When rules that could stop the release could not be seen. */
  blindSpans: { fromMs: number; toMs: number }[];
  /** What comes next; absent when the watch no longer goes on. */
  next?: NextOfWatch;
}

export interface NextOfWatch {
  /** When it looks again; undefined when that is now. */
  lookAtMs: number;
  /** While rules that could stop the release cannot be seen. */
  blind?: { rules: string[]; sinceMs: number; consequence: Forthcoming };
}

/** Something that happens unless something else does; at once when it has no time. */
export interface Forthcoming {
  text: string;
  atMs?: number;
}

export interface RuleReport {
  name: string;
  /** As the runbook has it, in the text form. */
  text: string;
  /** The same in words: "rolls back when error_rate is above 1 %". */
  sentence: string;
  /** It only writes down what it would have done. */
  isShadow: boolean;
  /** What it does when it comes true, as done: "rolled back", of a shadow rule "would have rolled back". */
  deed: string;
  fromMs: number;
  /** When its time is over, if nothing ends the watch before. */
  untilMs: number;
  /** Up to when it was looked at, of a watch that no longer goes on. */
  endedMs?: number;
  verdict: "PENDING" | "PASS" | "FAIL" | "INCONCLUSIVE" | "BLIND";
  /** Why, with its numbers. */
  reason: string;
  /** How it stands or how it ended, and what a shadow rule would have done: a sentence part. */
  summary: string;
  /** What it measures; absent for a rule about a probe. */
  metric?: Metric;
  /** Who said that it may stand. */
  accepted?: { by: string; note: string; atMs: number };
  /** Empty for a rule about a probe. */
  sources: RuleSourceReport[];
  /** Of a rule about a probe. */
  probe?: { state: string; value: string; next?: Forthcoming };
}

export interface RuleSourceReport {
  name: string;
  /** In one word: "ok", "breach", "held", "failed", "error". */
  state: string;
  /** "0.42 %, 21 of 5,000 in all" */
  value: string;
  /** Over the whole watch: "0.42 % (21 of 5,000)", or the mean of values; absent before anything was seen. */
  during?: string;
  /** The same of the release before, and of which time; absent when it was not measured. */
  before?: string;
  /** How far the evidence against the release is; absent for a rule that is taken literally. */
  meter?: EvidenceMeter;
  /** What comes of it; absent when the watch no longer goes on. */
  next?: Forthcoming;
  /** How it is decided, a line for each part: target, risk, evidence, blocks, proof. */
  arithmetic: string[];
  series: RuleSeries;
}

/** Both marks and the value on one logarithmic scale, 0 to 100. */
export interface EvidenceMeter {
  percent: number;
  holdPercent: number;
  value: number;
  hold: number;
  roll: number;
}

/** What was seen over the watch, thinned: of rows that were left out none was higher or lower than what is there. */
export interface RuleSeries {
  /** Of values and limit: "%", "ms", or nothing. */
  unit: string;
  /** The literal limit, where it is one number. */
  limit?: number;
  /** The limit follows what the previous release does; it is the last one. */
  limitMoves?: true;
  /** In order of time. A row without a value: from the row before it on nothing is known. */
  rows: SeriesRow[];
  /** Of the evidence, which may lie between two rows. */
  peak?: { atMs: number; evidence: number };
  /** When the rule's condition came true. */
  failedAtMs?: number;
  /** When it would have, taken literally. */
  literallyAtMs?: number;
}

export interface SeriesRow {
  atMs: number;
  state: string;
  value?: number;
  /** Requests or points in the rule's window. */
  count?: number;
  evidence?: number;
}
