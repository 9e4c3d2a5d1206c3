import type { Block } from "./block-evidence.ts";

/** The share of bad requests that uses up the error budget of `objective` (0.999) `times` as fast as it lasts. */
export function burnTarget(objective: number, times: number): number {
  return times * (1 - objective);
}

/**
 * Whether the budget burns too fast: over the long window, which makes it worth to act, and over the short one, which
 * shows that it still goes on (https://sre.google/workbook/alerting-on-slos/, 6). Undefined when one of them is empty.
 */
export function isBurning(long: Block, short: Block, target: number): boolean | undefined {
  if (!(long.total > 0 && short.total > 0)) return undefined;
  return long.bad / long.total > target && short.bad / short.total > target;
}
