import * as z from "zod";

const DAY_MS = 86_400_000;

/** What every exception says for itself. */
export const exceptionFields = {
  reason: z.string().min(1).max(1000).describe("Why it may stay"),
  until: z.iso.date().describe("Last day (UTC) on which the exception holds: 2027-06-30"),
};

/** Whether an exception still holds. Pure. */
export function isInForce({ until }: { until: string }, now: Date): boolean {
  return now.getTime() < Date.parse(until) + DAY_MS;
}
