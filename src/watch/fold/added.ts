import type { Block } from "../statistics/block-evidence.ts";
import type { RuleTest } from "./definition.ts";
import type { Look, Seen } from "./look.ts";
import type { Visitors } from "./rule-state.ts";

/** What one look adds: sums of requests, of events (as bad), or of values (their sum as bad, their number as total). */
export interface Added {
  fromMs: number;
  toMs: number;
  release: Block;
  /** For a comparison with the control, and only for that. */
  control: Block | undefined;
  /** For a comparison of which the source knows the new visitors of both. */
  visitors?: Visitors;
}

/** A reason for what can be no answer to the rule's question: it must never become a number. */
export function addedBy(test: RuleTest, { fromMs, toMs, seen, control }: Look): Added | string {
  const release = blockOf(test, seen);
  if (typeof release === "string") return release;
  if (test.how !== "control") return { fromMs, toMs, release, control: undefined };
  if (control === undefined) return "nothing is known of the previous release";
  const other = blockOf(test, control);
  return typeof other === "string"
    ? other
    : { fromMs, toMs, release, control: other, ...visitorsOf(seen, control) };
}

function visitorsOf(seen: Seen, control: Seen): Pick<Added, "visitors"> {
  if (seen.state !== "counts" || control.state !== "counts") return {};
  const { visitors: release } = seen;
  const { visitors: other } = control;
  return release === undefined || other === undefined ? {} : { visitors: { release, control: other } };
}

/** One answer as what it adds, or why it can be none. */
export function blockOf(test: RuleTest, seen: Seen): Block | string {
  switch (test.how) {
    case "share":
    case "control":
      return seen.state === "counts" ? countsOf(seen) : OTHER_FORM;
    case "events":
      if (seen.state !== "events") return OTHER_FORM;
      return isCount(seen.count) ? { bad: seen.count, total: 1 } : NO_NUMBER;
    case "value":
      return seen.state === "value" ? valueOf(test.unit, seen) : OTHER_FORM;
    case "undecidable":
      return test.reason;
  }
}

const OTHER_FORM = "the source gave something else than it was asked for";
const NO_NUMBER = "the source gave a number that cannot be";
/** Sums of fractions, as of extrapolated counters, may be off by this much of themselves. */
const ROUNDING = 1e-6;

function countsOf({ bad, total, visitors = 0 }: Extract<Seen, { state: "counts" }>): Block | string {
  if (!isCount(total) || !isCount(bad) || bad > total * (1 + ROUNDING)) return NO_NUMBER;
  if (!isCount(visitors)) return NO_NUMBER;
  return { bad: Math.min(bad, total), total };
}

function valueOf(unit: "of-max" | "plain", { value, max }: { value: number; max?: number }): Block | string {
  if (unit === "plain") return Number.isFinite(value) ? { bad: value, total: 1 } : NO_NUMBER;
  if (max === undefined) return "the source does not say what the greatest value is";
  const percent = max > 0 ? (100 * value) / max : NaN;
  return Number.isFinite(percent) ? { bad: percent, total: 1 } : NO_NUMBER;
}

function isCount(count: number): boolean {
  return Number.isFinite(count) && count >= 0;
}
