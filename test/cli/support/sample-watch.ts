import type { WatchedStep } from "../../../src/model/tminus.ts";
import type { RuleReport, RuleSourceReport, WatchReport } from "../../../src/model/watch-report.ts";
import { at } from "./sample-run.ts";

/** What the step `canary` of the sample run has seen of its rules. */

const errors: RuleSourceReport = {
  name: "prom",
  state: "held",
  value: "1.2 %, 12 of 1,000 in all",
  meter: { percent: 55, holdPercent: 50, value: 12.4, hold: 10, roll: 100 },
  next: { text: "held, as from 10 on: it does not pass; rolls back at 100" },
  arithmetic: ["target: a share of 1 % of bad requests, as written", "evidence: 12.4 now"],
  series: {
    unit: "%",
    limit: 1,
    rows: [
      { atMs: at(65).getTime(), state: "ok", value: 0.4, count: 500, evidence: 0.2 },
      { atMs: at(70).getTime(), state: "breach", value: 1.2, count: 1000, evidence: 12.4 },
    ],
    literallyAtMs: at(70).getTime(),
  },
};

const memory: RuleSourceReport = {
  name: "host",
  state: "error",
  value: "no answer\u001b[31m",
  next: { text: "is not seen: no answer; counts as blind", atMs: at(150).getTime() },
  arithmetic: ["limit 90 % of max, as written"],
  series: { unit: "% of max", limit: 90, rows: [] },
};

const rule = (name: string, change: Partial<RuleReport>): RuleReport => ({
  name,
  text: `${name}: when error_rate > 1% -> rollback`,
  sentence: "rolls back when the error rate is above 1 %",
  isShadow: false,
  deed: "rolled back",
  fromMs: at(64).getTime(),
  untilMs: at(664).getTime(),
  verdict: "PENDING",
  reason: "1.2 %, 12 of 1,000 in all",
  summary: "goes on: 1.2 %, 12 of 1,000 in all; taken literally it would have rolled back at 10:01:10Z",
  sources: [],
  ...change,
});

export function sampleReport(change: Partial<WatchReport> = {}): WatchReport {
  return {
    startedAtMs: at(64).getTime(),
    endsAtMs: at(664).getTime(),
    stages: [{ name: "first", fromMs: at(64).getTime(), untilMs: at(664).getTime(), everyMs: 15_000 }],
    blindSpans: [],
    rules: [
      rule("errors", { metric: { kind: "error_rate" }, sources: [errors] }),
      rule("memory", {
        text: "memory: when gauge(memory) > 90% of max -> hold",
        sentence: "holds and asks when memory is above 90 % of max",
        summary: "cannot be seen: no answer",
        metric: { kind: "gauge", name: "memory" },
        sources: [memory],
      }),
      rule("shy", {
        text: "shy: when error_rate > 0.1% -> rollback",
        isShadow: true,
        deed: "would have rolled back",
        verdict: "FAIL",
        sentence: "would roll back when the error rate is above 0.1 %",
        summary: "would have rolled back at 10:01:05Z: error_rate > 0.1%: 0.4 %",
        metric: { kind: "error_rate" },
        sources: [
          { ...errors, state: "failed", next: { text: "has come true at 10:01:05Z: would roll back" } },
        ],
      }),
      rule("up", {
        text: "up: when probe(health) fails for 3 of 3 -> rollback",
        sentence: "rolls back when the probe health fails at 3 of 3 looks",
        probe: {
          state: "ok",
          value: "4 of 4 answers good",
          next: { text: "0 of the last 3 failed; rolls back at 3" },
        },
      }),
    ],
    next: { lookAtMs: at(82).getTime() },
    ...change,
  };
}

export function sampleWatch(change: Partial<WatchReport> = {}): WatchedStep {
  return { stepId: "canary", title: "canary", report: sampleReport(change) };
}
