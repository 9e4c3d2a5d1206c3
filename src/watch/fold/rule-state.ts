import { noEvidence, type Block, type BlockEvidence } from "../statistics/block-evidence.ts";
import type { RuleTest } from "./definition.ts";
import type { TickState } from "./look.ts";

/** What a watch knows of one rule by one of its sources. Plain JSON, bounded: a day of it is a few kilobytes. */
export interface RuleState {
  /** Everything up to here has been taken in. */
  cursorMs: number;
  /** The newest look. */
  tick: Tick | null;
  /** Of the time up to the cursor, what was seen. */
  seenMs: number;
  /** Of that, what the literal value could be judged in. */
  judgedMs: number;
  /** Everything since the beginning; of events, `bad` is their number. */
  sum: Block;
  controlSum: Block;
  literal: LiteralState;
  /** Undefined for rules that are taken literally only. */
  confident?: ConfidentState;
  /** How traffic was shared out between the release and the control, for a comparison of the two. */
  split?: Split;
  /** Since when it has not been seen, and why not. */
  blind: Blindness | null;
  /** Since when there has been no request at all. */
  emptySinceMs: number | null;
  /** Set once, and final: what the rule is about has happened. */
  failure: Failure | null;
}

export interface Tick {
  state: TickState;
  atMs: number;
  /** In the rule's own unit, percent for shares; absent when there is none. */
  value?: number;
  /** Requests or points in the window. */
  count?: number;
  reason?: string;
}

/** The rule as it is written, without any odds. */
export interface LiteralState {
  /** Sums since the beginning at the end of looks, rising in time; values are summed with their number as total. */
  samples: Sample[];
  /** Since when, and for how long, every look that was answered was a breach; null while the newest was none. */
  hold: { sinceMs: number; heldMs: number } | null;
  /** Of the newest looks, whether each was a breach; as many as the rule counts. */
  recent: boolean[];
  /** When it would first have failed. */
  failedAtMs: number | null;
  /** Since when every look has satisfied an expectation; null while the newest did not. */
  goodSinceMs: number | null;
  lastBad: { atMs: number; value: number } | null;
}

export interface Sample {
  atMs: number;
  /** How much of the time up to here was seen. */
  seenMs: number;
  bad: number;
  total: number;
  /** For a comparison. */
  control?: Block;
}

export interface ConfidentState {
  evidence: BlockEvidence;
  /** Against the floor, for a comparison that has one. */
  floorEvidence: BlockEvidence;
  /** Not full yet. */
  block: { fromMs: number; toMs: number; release: Block; control: Block } | null;
  /** The e-value, now and at its highest. */
  value: number;
  peak: { value: number; atMs: number };
  /** For each epoch that began: how many blocks, and the requests in them; what could have been seen is reckoned from it. */
  epochs: { blocks: number; total: number; control: number }[];
}

/** Sums over looks of x = requests of the release and n = requests of both. */
export interface Split {
  looks: number;
  x: number;
  n: number;
  xx: number;
  xn: number;
  nn: number;
  /** Over the looks at which they were known of both; absent while there was none. */
  visitors?: Visitors;
}

/** New visitors, who were shared out one by one. */
export interface Visitors {
  release: number;
  control: number;
}

export interface Blindness {
  sinceMs: number;
  looks: number;
  reason: string;
  isLasting: boolean;
  state: "NODATA" | "ERROR" | "STALE";
  /** Since when, and until when, it answered that there is nothing while it had something to say about other questions. */
  silent: { sinceMs: number; untilMs: number } | null;
}

export interface Failure {
  /** End of the data in which it was found. */
  atMs: number;
  /** These three are of the rule's window at that time. */
  value: number;
  count: number;
  bad: number;
  /** Of the control, in the same window. */
  control?: Block;
  /** The e-value and what it had to reach; absent for a literal rule. */
  evidence?: { value: number; threshold: number };
  /** For how long it held; of a literal rule. */
  heldMs?: number;
}

const nothing: Block = { bad: 0, total: 0 };
const noSplit: Split = { looks: 0, x: 0, n: 0, xx: 0, xn: 0, nn: 0 };

export function initialRuleState(fromMs: number, test: RuleTest): RuleState {
  const isConfident = (test.how === "share" || test.how === "control") && test.alpha !== undefined;
  return {
    cursorMs: fromMs,
    tick: null,
    seenMs: 0,
    judgedMs: 0,
    sum: nothing,
    controlSum: nothing,
    literal: { samples: [], hold: null, recent: [], failedAtMs: null, goodSinceMs: null, lastBad: null },
    ...(isConfident ? { confident: initialConfident(fromMs) } : {}),
    ...(test.how === "control" ? { split: noSplit } : {}),
    blind: null,
    emptySinceMs: null,
    failure: null,
  };
}

function initialConfident(fromMs: number): ConfidentState {
  return {
    evidence: noEvidence,
    floorEvidence: noEvidence,
    block: null,
    value: 0,
    peak: { value: 0, atMs: fromMs },
    epochs: [],
  };
}
