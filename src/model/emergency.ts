import * as z from "zod";
import { durationSchema, idSchema } from "./field.ts";
import type { TimedWord } from "./timed-word.ts";

/** How long what an emergency left out may stay undone. */
export const MAKE_GOOD_MS = 24 * 3_600_000;

/** What the runbook says about deploying in an emergency. Requirement B9. */
export const emergencySettingsSchema = z.strictObject({
  keep: z
    .array(idSchema)
    .max(200)
    .describe("Gates that must pass and checklists that are asked all the same; the others are left out"),
  watch: durationSchema
    .default("2h")
    .describe("How long the release is watched afterwards at least, by the last watch of the runbook"),
});
export type EmergencySettings = z.output<typeof emergencySettingsSchema>;

/** Why none can be declared for an environment without these settings, as a sentence part. */
export const EMERGENCY_UNPLANNED = "the runbook does not say what is kept of it in an emergency";

/** That an environment may be deployed to at any time, with less asked beforehand. */
export type Emergency = TimedWord;

export type NewEmergency = Pick<Emergency, "environment" | "reason"> & { forMs: number };

/** Of a plan that rests on one. */
export const plannedEmergencySchema = z.strictObject({
  id: z.int(),
  by: z.string().min(1).describe("Who declared it"),
  reason: z.string().min(1),
  until: z.iso.datetime().describe("When it ends by itself"),
  leftOut: z.array(z.string()).describe("Gates and checklists that the plan does not ask, by id"),
});
export type PlannedEmergency = z.output<typeof plannedEmergencySchema>;

/** The name by which people speak of it. */
export function emergencyName({ id }: Pick<Emergency, "id">): string {
  return `e${id}`;
}
