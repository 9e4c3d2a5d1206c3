import type { Metric } from "../../model/metric.ts";

/**
 * A rule of a watch, parsed. The same tree comes of the text form and of the form with one key per part; all
 * durations are milliseconds, all rates percent. Requirements E5, E6.
 */
export interface WatchRule {
  /** Unique in its watch. */
  name: string;
  /** when: acts as soon as it is true. expect: must be shown to be true; absence of bad news is not enough. */
  kind: "when" | "expect";
  condition: Condition;
  hold?: Hold;
  /** Below it nothing is concluded. */
  sample?: { least: number; unit: SampleUnit };
  /** Left out: confident for ratios whose source gives counts, else strictly. */
  mode?: Mode;
  action: Action;
  policies: Partial<Record<PolicyName, Policy>>;
}

export type Condition =
  | {
      kind: "measure";
      metric: Metric;
      /** Names of the sources that are asked; the only one that gives the metric when left out. */
      from?: readonly string[];
      overMs?: number;
      compare: Comparison;
      target: Target;
    }
  /** The probe of that name fails. */
  | { kind: "probe"; probe: string };

export const COMPARISONS = [">=", "<=", ">", "<"] as const;
export type Comparison = (typeof COMPARISONS)[number];

export type Target =
  | { kind: "number"; value: number; unit: Unit }
  | { kind: "baseline"; from: BaselineFrom; change?: Change; floor?: number }
  /** The previous release, at the same time. */
  | { kind: "control"; change: Change; floor?: number }
  /** `factor` times as fast as the objective allows, over both windows. */
  | {
      kind: "burn";
      objectivePercent: number;
      periodMs: number;
      factor: number;
      longMs: number;
      shortMs: number;
    };

/** "%": of requests, or of a whole. "% of max": of the greatest value that the source names. "": a plain number. */
export type Unit = "%" | "% of max" | "ms" | "";

export type BaselineFrom =
  /** As long before traffic moves. */
  | { kind: "before"; ms: number }
  /** The same hours of that many days before. */
  | { kind: "same-hours"; days: number }
  /** One that was kept under this name. */
  | { kind: "pinned"; id: string };

/** percent: × (1 + value/100). factor: × value. points: + value percentage points. */
export type Change = { by: "percent" | "factor" | "points"; value: number };

/** for: all the time. of: at `bad` of the last `looks` looks. */
export type Hold = { kind: "for"; ms: number } | { kind: "of"; bad: number; looks: number };

export const SAMPLE_UNITS = ["requests", "events", "points"] as const;
export type SampleUnit = (typeof SAMPLE_UNITS)[number];

/** Confident: odds of a false alarm in percent, when the rule says its own. */
export type Mode = { kind: "confident"; percent?: number } | { kind: "strictly" };

export const ACTIONS = ["rollback", "hold", "page", "note", "fail-gate"] as const;
export type Action = (typeof ACTIONS)[number];

export const POLICY_NAMES = ["on-blind", "on-nodata", "on-inconclusive"] as const;
export type PolicyName = (typeof POLICY_NAMES)[number];

/** What to do when it could not be told: never rolling back is the default everywhere. */
export const POLICIES = ["hold", "rollback", "continue-with-two-approvals"] as const;
export type Policy = (typeof POLICIES)[number];

/** What is wrong with a rule's text, and where. */
export interface RuleProblem {
  /** Of the text, counted from 0; length 0 at its end. */
  offset: number;
  length: number;
  /** A sentence part without a full stop. */
  message: string;
  /** What to write instead. */
  hint: string;
}
