import { describe, expect, it } from "vitest";
import { initialWatch } from "../../../src/watch/fold/watch-state.ts";
import { failureText, formatValue, valueText } from "../../../src/watch/fold/words.ts";
import type { Seen } from "../../../src/watch/fold/look.ts";
import type { Failure } from "../../../src/watch/fold/rule-state.ts";
import {
  counts,
  folded,
  looksOf,
  MINUTE,
  refused,
  ruleOf,
  stateOf,
  value,
  watchOf,
  type RuleSetup,
} from "./simulated-watch.ts";

type Answer = Seen | { seen: Seen; control: Seen };

function textOf(setup: string | RuleSetup, ...seen: Answer[]): string {
  const watch = watchOf([setup]);
  const looks = looksOf({ fromMs: 0, toMs: seen.length * MINUTE }, (toMs) => seen[toMs / MINUTE - 1]!);
  const { rule, sources } = watch.rules[0]!;
  return valueText(rule, sources[0]!.test, stateOf(folded(watch, looks)));
}

const failure: Failure = { atMs: 0, value: 2.6, count: 1500, bad: 39 };
const share = { how: "share" as const, target: 0.01, isFlipped: false };
const plain = { how: "value" as const, limit: 1, unit: "plain" as const };

describe("the words about a rule", () => {
  it("tell its newest value, and what was counted in all", () => {
    const rule = "r: when error_rate over 1m > 1% -> rollback";
    expect(textOf(rule, counts(0, 1000), counts(26, 1000))).toBe("2.6 %, 26 of 2,000 in all");
    expect(textOf(rule, counts(1, 1000), refused)).toBe("connection refused, 1 of 1,000 in all");
    const beside = "r: when error_rate over 1m > control * 2 -> rollback";
    expect(textOf(beside, { seen: counts(3, 1000), control: counts(2, 900) })).toBe(
      "0.3 %, 3 of 1,000 in all beside 2 of 900",
    );
    expect(
      textOf({ text: "r: when gauge(pg_conn) > 80% of max -> page", form: "values" }, value(40, 60)),
    ).toBe("66.7 % of max");
  });

  it("tell that nothing was seen yet", () => {
    const watch = watchOf(["r: when error_rate > 1% -> rollback"]);
    expect(valueText(watch.rules[0]!.rule, share, stateOf(initialWatch(watch)))).toBe("nothing was seen yet");
  });

  it("tell a failure with its condition, its counts, how long it held and its evidence", () => {
    const rule = ruleOf("r: when error_rate > 1% for 5m -> rollback");
    expect(failureText(rule, share, failure)).toBe("error_rate > 1%: 2.6 % (39 of 1,500)");
    expect(failureText(rule, share, { ...failure, evidence: { value: 132.4, threshold: 100 } })).toBe(
      "error_rate > 1%: 2.6 % (39 of 1,500), evidence 132 of 100",
    );
    expect(failureText(rule, share, { ...failure, heldMs: 300_000 })).toBe(
      "error_rate > 1%: 2.6 % (39 of 1,500) for 5m 00s",
    );
    expect(failureText(rule, share, { ...failure, control: { bad: 2, total: 1400 } })).toBe(
      "error_rate > 1%: 2.6 % (39 of 1,500 beside 2 of 1,400)",
    );
    expect(
      failureText(
        ruleOf("r: when count(groups) > 0 -> hold"),
        { how: "events", limit: 0 },
        { ...failure, value: 2 },
      ),
    ).toBe("count(groups) > 0: 2");
  });

  it.each([
    ["r: when p95(latency) > 1s -> page", 1234.4, "1234 ms"],
    ["r: when p95(latency) > baseline(before 1h) * 2 -> page", 431.2, "431 ms"],
    ["r: when render > 20ms -> page", 4.321, "4.32 ms"],
    ["r: when gauge(cpu) > 90% -> page", 91.44, "91.4 %"],
    ["r: when gauge(queue) > 100 -> page", 1234.5, "1230"],
    ["r: when gauge(queue) > 100 -> page", 12_345_678, "1.2e+7"],
  ])("give a value its unit: %s", (text, number, words) => {
    expect(formatValue(ruleOf(text), plain, number)).toBe(words);
  });
});
