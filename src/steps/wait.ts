import * as z from "zod";
import { formatDuration, parseDuration } from "../lib/duration.ts";
import { durationSchema } from "../model/runbook.ts";
import { defineStep } from "./define.ts";
import { durableDeadline, savedDeadline } from "./durable-deadline.ts";

const MAX_MS = 7 * 24 * 3_600_000;
const PROGRESS_EVERY_MS = 10_000;
/** How much longer than the wait itself the step may take: a restart in between costs time. */
const MARGIN_MS = 5 * 60_000;

const schema = z.strictObject({
  for: durationSchema
    .refine((text) => (parseDuration(text) ?? 0) <= MAX_MS, {
      error: "is longer than 7 days",
      params: { hint: "split the release into two runs instead" },
    })
    .describe("How long to wait, at most 7d; counted from when the step first started"),
});

/** Waits. A restart does not start the wait again. */
export const wait = defineStep({
  kind: "wait",
  version: 1,
  inRollback: false,
  changesNothing: true,
  summary: "Waits for a time, which goes on across restarts.",
  requirements: ["A9"],
  schema,
  example: "for: 10m\n",

  plan({ with: settings }) {
    const ms = parseDuration(settings.for)!;
    return {
      summary: [`waits ${formatDuration(ms)}`],
      risk: "low",
      durationMs: ms,
      timeoutMs: ms + MARGIN_MS,
      undo: { how: "none-needed", text: "waiting changes nothing" },
      inputs: [],
      blocked: [],
    };
  },

  async observe(ctx) {
    const until = await savedDeadline(ctx);
    if (until === undefined) return { state: "absent", reason: "the wait has not begun" };
    if (ctx.clock.now() < until)
      return { state: "absent", reason: `the wait lasts until ${until.toISOString()}` };
    return { state: "done", reason: "the time has passed", result: { until: until.toISOString() } };
  },

  async act(ctx) {
    const until = await durableDeadline(ctx, parseDuration(ctx.with.for)!);
    const remainingMs = (): number => until.getTime() - ctx.clock.now().getTime();
    const what = { for: "time", text: `waits ${ctx.with.for}`, until: until.toISOString() } as const;
    await ctx.waiting(what, async () => {
      for (let leftMs = remainingMs(); leftMs > 0; leftMs = remainingMs()) {
        ctx.progress(`${formatDuration(leftMs)} left`);
        await ctx.clock.sleep(Math.min(leftMs, PROGRESS_EVERY_MS), ctx.signal);
      }
    });
    return { outcome: "done", reason: `waited ${ctx.with.for}`, result: { until: until.toISOString() } };
  },
});
