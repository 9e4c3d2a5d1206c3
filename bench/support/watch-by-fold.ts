import type { WatchDefinition, WatchStage } from "../../src/watch/fold/definition.ts";
import type { Look } from "../../src/watch/fold/look.ts";
import { resolveTest } from "../../src/watch/fold/resolve-test.ts";
import { isHeld } from "../../src/watch/fold/rule-verdict.ts";
import { initialWatch, takeLook, type WatchState } from "../../src/watch/fold/watch-state.ts";
import { parseRule } from "../../src/watch/rules/parse-rule.ts";
import type { Block } from "../../src/watch/statistics/block-evidence.ts";

const RULE = "errors";
const SOURCE = "simulated";
const MINUTE_MS = 60_000;

/** A watch of errors above 1 %, as the step folds it: look by look. */
export interface FoldedWatch {
  /** False when it has decided: what comes then changes nothing. */
  take(fromMs: number, toMs: number, seen: Block): boolean;
  /** After how many minutes it rolled back, and was held for the first time; Infinity when it did not. */
  decided(): { rolledBack: number; held: number };
}

export function startFold(durationMs: number, minBlockMs: number, stages?: WatchStage[]): FoldedWatch {
  const watch = watchOf(durationMs, minBlockMs, stages);
  const [definition] = watch.rules;
  const [source] = definition!.sources;
  let state: WatchState = initialWatch(watch);
  let [rolledBack, held] = [Infinity, Infinity];
  return {
    take(fromMs, toMs, { bad, total }) {
      const look: Look = {
        rule: RULE,
        source: SOURCE,
        fromMs,
        toMs,
        askedAtMs: toMs,
        seen: { state: "counts", bad, total },
      };
      state = takeLook(watch, state, look);
      const own = state.rules[RULE]![SOURCE]!;
      if (held === Infinity && isHeld(watch, source!, own)) held = toMs / MINUTE_MS;
      if (rolledBack === Infinity && own.failure !== null) rolledBack = own.failure.atMs / MINUTE_MS;
      return rolledBack === Infinity;
    },
    decided: () => ({ rolledBack, held }),
  };
}

function watchOf(durationMs: number, minBlockMs: number, stages?: WatchStage[]): WatchDefinition {
  const parsed = parseRule(`${RULE}: when error_rate > 1% -> rollback`);
  if ("problem" in parsed) throw new Error(parsed.problem.message);
  const { rule } = parsed;
  const test = resolveTest(rule, { form: "counts", before: undefined, exposure: undefined });
  return {
    startedAtMs: 0,
    stages: stages ?? [{ name: "watch", fromMs: 0, untilMs: durationMs, everyMs: MINUTE_MS }],
    rules: [
      {
        rule,
        fromMs: 0,
        untilMs: durationMs,
        isShadow: false,
        sources: [{ name: SOURCE, lagMs: 0, test }],
      },
    ],
    gatingRules: 1,
    minBlockMs,
  };
}
