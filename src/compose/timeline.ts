import { TminusError } from "../errors.ts";
import { formatDuration } from "../lib/duration.ts";
import type { Plan, Schedule } from "../model/plan.ts";
import { leadMs } from "../model/timeline.ts";

/** When a run begins to change things, by which windows and freezes are asked: at T-0, or now when that is over. */
export function beginsAt(scheduled: Schedule | undefined, now: Date): Date {
  return scheduled === undefined ? now : new Date(Math.max(Date.parse(scheduled.zeroAt), now.getTime()));
}

/** Errors: USAGE_INVALID for what is no time, or not one alone. */
export async function readSchedule(text: string, now: Date): Promise<Schedule> {
  const { readZero } = await import("../calendar/read-zero.ts");
  const read = readZero(text, now.getTime());
  if ("problem" in read) throw new TminusError("USAGE_INVALID", `--at: ${read.problem}`, { hint: read.hint });
  return { zeroAt: new Date(read.at).toISOString(), zone: read.zone };
}

/** Errors: USAGE_INVALID when the first step would have to begin in the past. */
export function refusePast(plan: Plan, now: Date): void {
  if (plan.scheduled === undefined) return;
  const lead = leadMs(plan);
  if (Date.parse(plan.scheduled.zeroAt) - lead >= now.getTime()) return;
  const earliest = new Date(now.getTime() + lead).toISOString();
  const why = lead === 0 ? "" : `: its first step comes ${formatDuration(lead)} before it`;
  throw new TminusError("USAGE_INVALID", `T-0 cannot be at ${plan.scheduled.zeroAt}${why}`, {
    hint: `The earliest possible T-0 is ${earliest}; leave --at out to take that.`,
    details: { earliest },
  });
}
