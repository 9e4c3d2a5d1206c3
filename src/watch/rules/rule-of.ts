import type { Hold, Mode, WatchRule } from "./watch-rule.ts";

/** Parts as they were written or not. */
type Parts = Omit<WatchRule, "hold" | "sample" | "mode"> & {
  hold: Hold | undefined;
  sample: WatchRule["sample"] | undefined;
  mode: Mode | undefined;
};

/** The rule that these parts make, without those that were not written. */
export function ruleOf({ hold, sample, mode, ...parts }: Parts): WatchRule {
  return {
    ...parts,
    ...(hold === undefined ? {} : { hold }),
    ...(sample === undefined ? {} : { sample }),
    ...(mode === undefined ? {} : { mode }),
  };
}
