import * as z from "zod";
import { parseDuration } from "../lib/duration.ts";
import { deadline } from "../lib/clock.ts";
import type { GateContext, GateVerdict } from "../model/gate-kind.ts";
import { printMetric, type Metric } from "../model/metric.ts";
import { durationSchema, idSchema } from "../model/runbook.ts";
import type { SignalSource } from "../model/signal-source.ts";
import type { Verdict } from "../model/verdict.ts";
import { metricSchema } from "../watch/rules/rule-schema.ts";
import { defineGate } from "./define.ts";

const schema = z.strictObject({
  sources: z
    .array(idSchema)
    .min(1)
    .max(50)
    .optional()
    .describe("Sources that must answer, by name; all of the environment and of its target when left out"),
  metrics: z
    .record(idSchema, z.array(metricSchema).min(1).max(50))
    .default({})
    .describe(
      "What a source is asked for, as rules write it: error_rate, p95(latency), gauge(connections), a query's name; the first two when left out",
    ),
  timeout: durationSchema.default("30s").describe("Time limit of each source"),
});

type Context = GateContext<z.output<typeof schema>>;

const USUAL: readonly Metric[] = [{ kind: "error_rate" }, { kind: "quantile", percent: 95 }];

/** Passes when every source of measurements answers what it is asked for. */
export const signalsAnswer = defineGate({
  kind: "signals.answer",
  summary: "Passes when every signal source answers: monitoring works before it is relied on.",
  requirements: ["B6"],
  notes: [
    "Each source makes the check that it makes before a watch: that it lets us in, and knows what it is asked for. A source that gives neither an error rate nor p95(latency) must be told what to be asked for under `metrics`; without it nothing is found out about that source.",
  ],
  schema,
  example: "metrics:\n  prometheus: [error_rate, p95(latency)]\n  database: [gauge(connections)]\n",

  async check(context): Promise<GateVerdict> {
    const { sources = Object.keys(context.sources), metrics } = context.with;
    const names = [...new Set([...sources, ...Object.keys(metrics)])];
    if (names.length === 0)
      return {
        verdict: "unknown",
        reason: `${context.environment.name} has no signal source`,
        fix: "declare one under signals of the environment",
      };
    const all: One[] = await Promise.all(names.map((name) => ask(context, name)));
    const evidence = all.map(({ source, verdict, reason, asked }) => ({ source, verdict, reason, asked }));
    for (const verdict of ["fail", "unknown"] as const) {
      const found = all.filter((one) => one.verdict === verdict);
      if (found.length > 0)
        return {
          verdict,
          reason: found.map(({ source, reason }) => `${source}: ${reason}`).join("; "),
          evidence,
          fix: "correct the source in the runbook, or bring it up; then ask again",
        };
    }
    return { verdict: "pass", reason: `${names.join(", ")} answer`, evidence };
  },
});

interface One {
  source: string;
  verdict: Verdict["verdict"];
  reason: string;
  asked: string[];
}

async function ask(context: Context, name: string): Promise<One> {
  const source = Object.hasOwn(context.sources, name) ? context.sources[name] : undefined;
  if (source === undefined)
    return { source: name, verdict: "fail", reason: "there is no such source", asked: [] };
  const metrics = metricsFor(source, context.with.metrics[name]);
  const asked = metrics.map(printMetric);
  if (metrics.length === 0)
    return { source: name, verdict: "unknown", reason: "metrics does not say what to ask it for", asked };
  context.progress(`asking ${name}`);
  const limit = deadline(parseDuration(context.with.timeout)!, context.signal);
  try {
    const { verdict, reason } = await source.check(metrics, context.release, limit);
    return { source: name, verdict, reason: context.redact(reason), asked };
  } catch (error) {
    context.signal.throwIfAborted();
    // A source never throws but for its signal.
    if (!limit.aborted) throw error;
    return { source: name, verdict: "unknown", reason: `no answer within ${context.with.timeout}`, asked };
  }
}

function metricsFor(source: SignalSource, named: readonly Metric[] | undefined): readonly Metric[] {
  return named ?? USUAL.filter((metric) => source.gives(metric) !== undefined);
}
