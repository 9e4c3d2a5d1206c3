import * as z from "zod";
import { parseDuration } from "../../lib/duration.ts";
import { durationSchema } from "../../model/runbook.ts";
import { probeSchema, ruleSchema } from "../../watch/rule.ts";

const MIN_INTERVAL_MS = 100;
/** Node's timers cannot wait longer than about 24 days. */
const MAX_DURATION_MS = 14 * 86_400_000;

export const watchSchema = z
  .strictObject({
    duration: durationSchema.describe("How long to watch; at most 14d"),
    every: durationSchema.default("1s").describe("Pause between two looks; at least 100ms"),
    rules: z.array(ruleSchema).max(50).default([]).describe("Conditions on measured signals"),
    probes: z
      .array(probeSchema)
      .max(20)
      .default([])
      .describe("Addresses that must go on answering, asked from outside"),
    onUnknown: z
      .enum(["hold", "fail"])
      .default("hold")
      .describe(
        "When the end is reached and it was not proven good: hold asks a person, fail fails the step",
      ),
  })
  .superRefine((settings, context) => {
    const durationMs = parseDuration(settings.duration) ?? 0;
    const everyMs = parseDuration(settings.every) ?? 0;
    const refuse = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    if (durationMs > MAX_DURATION_MS) refuse(["duration"], "is longer than 14d");
    if (everyMs < MIN_INTERVAL_MS) refuse(["every"], "is shorter than 100ms");
    if (durationMs < everyMs) refuse(["duration"], "is shorter than every");
    if (settings.rules.length + settings.probes.length === 0)
      refuse(["rules"], "there is neither a rule nor a probe");
    const seen = new Set<string>();
    for (const [list, index, { id }] of [
      ...settings.rules.map((rule, index) => ["rules", index, rule] as const),
      ...settings.probes.map((probe, index) => ["probes", index, probe] as const),
    ]) {
      if (seen.has(id)) refuse([list, index, "id"], `"${id}" is used twice`);
      seen.add(id);
    }
    for (const [index, rule] of settings.rules.entries()) {
      if ((parseDuration(rule.for) ?? 0) > durationMs)
        refuse(["rules", index, "for"], "is longer than the watch");
      if ((parseDuration(rule.over ?? "") ?? 0) > durationMs)
        refuse(["rules", index, "over"], "is longer than the watch");
    }
  });

export type WatchSettings = z.output<typeof watchSchema>;
