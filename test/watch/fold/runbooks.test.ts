import { describe, expect, it } from "vitest";
import type { Seen } from "../../../src/watch/fold/look.ts";
import type { MeasuredBefore, RuleWorld } from "../../../src/watch/fold/resolve-test.ts";
import type { RuleVerdict } from "../../../src/watch/fold/rule-verdict.ts";
import { endMsOf, initialWatch, judgeWatch, takeProbe } from "../../../src/watch/fold/watch-state.ts";
import { RUNBOOK_RULES } from "../rules/runbook-rules.ts";
import { counts, folded, looksOf, MINUTE, ruleOf, value, verdictOf, watchOf } from "./simulated-watch.ts";

/** What a rule looks at in a good and in a bad release, minute by minute, and what comes out in half an hour of it. */
interface Series {
  form: RuleWorld["form"];
  before?: MeasuredBefore;
  good: Seen;
  bad: Seen;
}

const measured: MeasuredBefore = { form: "counts", bad: 1440, total: 1_440_000 };
const errors: Series = { form: "counts", before: measured, good: counts(1, 1000), bad: counts(120, 1000) };

const SERIES: Record<string, Series> = {
  "SOP errors": errors,
  "SOP slow": { form: "counts", good: counts(10, 1000), bad: counts(200, 1000) },
  "SOP fast": { form: "values", good: value(3000), bad: value(12_000) },
  "SOP auth": { form: "counts", good: counts(1, 100), bad: counts(30, 100) },
  "OPS errors": { ...errors, bad: counts(300, 1000) },
  "OPS staging": errors,
  "OPS alert": errors,
  "OPS quiet": errors,
  "OPS sign-off": errors,
  "OPS groups": { form: "events", good: { state: "events", count: 0 }, bad: { state: "events", count: 1 } },
  "FOCO errors": errors,
  "FOCO slow": { form: "counts", good: counts(10, 1000), bad: counts(200, 1000) },
  "FOCO stage": { ...errors, good: counts(0, 1000) },
  "FOCO api": { form: "values", good: value(310), bad: value(900) },
  "FOCO pages": { form: "values", good: value(1200), bad: value(2600) },
  "FOCO cache": { form: "counts", good: counts(930, 1000), bad: counts(700, 1000) },
  "FOCO connections": { form: "values", good: value(40, 100), bad: value(90, 100) },
  "FOCO uptime": errors,
  "ROD spike": errors,
  "ROD alert": errors,
  "ROD errors": errors,
  "ROD usual": { form: "values", good: value(1200), bad: value(4000) },
  "ROD slow": { form: "counts", good: counts(10, 1000), bad: counts(200, 1000) },
  "ROD busy": { form: "values", good: value(40, 100), bad: value(93, 100) },
  "ROD full": { form: "values", good: value(40, 100), bad: value(97, 100) },
  "ROD warm": { form: "values", good: value(30), bad: value(85) },
  "ROD hot": { form: "values", good: value(30), bad: value(95) },
  "SOP pool": { form: "values", good: value(40, 100), bad: value(100, 100) },
  "OPS pool": { form: "events", good: { state: "events", count: 0 }, bad: { state: "events", count: 1 } },
  "FOCO queries": { form: "events", good: { state: "events", count: 0 }, bad: { state: "events", count: 1 } },
  "FOCO average": { form: "values", good: value(60), bad: value(140) },
  "FOCO api-average": { form: "values", good: value(60), bad: value(140) },
  "FOCO intruders": {
    form: "events",
    good: { state: "events", count: 0 },
    bad: { state: "events", count: 1 },
  },
  "FOCO target": { ...errors, good: counts(0, 1000) },
  "ROD few": { ...errors, good: counts(0, 1000) },
  "ROD slower": { form: "counts", good: counts(10, 1000), bad: counts(200, 1000) },
  "ROD slow-alert": { form: "counts", good: counts(10, 1000), bad: counts(200, 1000) },
  "ROD pool": { form: "values", good: value(40, 100), bad: value(93, 100) },
  "ROD cool": { form: "values", good: value(30), bad: value(85) },
  "ROD roomy": { form: "values", good: value(30, 100), bad: value(85, 100) },
  "ROD tight": { form: "values", good: value(30, 100), bad: value(85, 100) },
  "ROD out-of-memory": { form: "values", good: value(30, 100), bad: value(95, 100) },
};

const rules = RUNBOOK_RULES.map((each) => ({ ...each, name: ruleOf(each.rule).name }));
const probes = rules.filter(({ rule }) => rule.includes("probe("));

describe("the rules of the runbooks", () => {
  it.each(rules.filter((each) => !probes.includes(each)))(
    "let a good release pass and stop a bad one: $source, $words",
    ({ source, name, rule }) => {
      const { good, bad, ...world } = SERIES[`${source} ${name}`]!;
      const verdictWith = (seen: Seen): RuleVerdict["verdict"] => {
        const watch = watchOf([{ text: rule, ...world }]);
        const looks = looksOf({ fromMs: 0, toMs: endMsOf(watch), rule: name }, () => seen);
        return verdictOf(watch, folded(watch, looks), { rule: name }).verdict;
      };
      expect([verdictWith(good), verdictWith(bad)]).toEqual(["PASS", "FAIL"]);
    },
  );

  it.each(probes)("act when a probe fails three times: $source, $words", ({ name, rule }) => {
    const watch = watchOf([rule]);
    const moment = { nowMs: endMsOf(watch), endMs: endMsOf(watch) };
    const verdictWith = (isBadAt: (minute: number) => boolean): RuleVerdict["verdict"] => {
      let state = initialWatch(watch);
      for (let minute = 1; minute <= 30; minute++) {
        const outcome = isBadAt(minute)
          ? { outcome: "failed" as const, reason: "HTTP 500" }
          : { outcome: "ok" as const, latencyMs: 12 };
        state = takeProbe(watch, state, name, outcome, minute * MINUTE);
      }
      return judgeWatch(watch, state, moment).verdict;
    };
    expect(verdictWith(() => false)).toBe("PASS");
    expect(verdictWith((minute) => minute % 3 !== 0)).toBe("PASS");
    expect(verdictWith((minute) => minute >= 20)).toBe("FAIL");
  });
});
