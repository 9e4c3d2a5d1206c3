import * as z from "zod";

const instant = z.string().describe("ISO 8601, UTC");

/** Whether a deploy into an environment may begin at an instant, as people and programs are told. Requirement B8. */
export const windowStandingSchema = z.strictObject({
  at: instant,
  isOpen: z.boolean(),
  text: z.string().describe("All of it as one sentence, times in the zone of the windows and in UTC"),
  reason: z.string().optional().describe("Why it is closed"),
  closedBy: z
    .array(
      z.strictObject({ kind: z.enum(["freeze", "window"]), id: z.string(), reason: z.string().optional() }),
    )
    .describe("The freezes and windows that keep deploys out; none when no window that allows is open"),
  opensAt: instant
    .optional()
    .describe("When it opens next; left out when it is open, or when not within two years"),
  closesAt: instant.optional().describe("When it closes after that; left out when not within two years"),
  zone: z.string().describe("Zone in which people are told the times"),
});

export type WindowStanding = z.output<typeof windowStandingSchema>;
