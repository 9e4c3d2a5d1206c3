import * as z from "zod";
import { parseDuration } from "../../lib/duration.ts";
import { durationSchema, referenceSchema } from "../../model/runbook.ts";

const DAY_MS = 86_400_000;

/** One credential as the project keeps book of it: never its value. */
export const credentialSchema = z.strictObject({
  name: z.string().min(1).max(200).describe("Name by which people know it: SUPABASE_SERVICE_ROLE_KEY"),
  reference: referenceSchema.optional().describe("Where its value is found: env:NAME or file:path#NAME"),
  rotated: z.iso
    .date()
    .optional()
    .describe(
      "Day (UTC) on which it was made or last replaced: 2026-09-01; its age is unknown when left out",
    ),
  maxAge: durationSchema.optional().describe("How old it may become; the gate's maxAge when left out"),
  howToRotate: z.string().min(1).max(4000).optional().describe("What a person does to replace it"),
  howToVerify: z
    .string()
    .min(1)
    .max(4000)
    .optional()
    .describe("What a person does to see that the new one works and the old one does not"),
});

export type Credential = z.output<typeof credentialSchema>;

export interface CredentialAge {
  name: string;
  rotated: string | undefined;
  /** Whole days; undefined when nobody knows. */
  ageDays: number | undefined;
  maxAgeDays: number;
  /** fresh: not older than it may be. */
  state: "fresh" | "old" | "unknown";
}

/** How old each credential is on this day. A day in the future says nothing. Pure. */
export function agesOf(credentials: readonly Credential[], maxAge: string, now: Date): CredentialAge[] {
  return credentials.map(({ name, rotated, maxAge: own }) => {
    const maxAgeDays = parseDuration(own ?? maxAge)! / DAY_MS;
    const days = rotated === undefined ? -1 : Math.floor((now.getTime() - Date.parse(rotated)) / DAY_MS);
    const ageDays = days < 0 ? undefined : days;
    const state = ageDays === undefined ? "unknown" : ageDays > maxAgeDays ? "old" : "fresh";
    return { name, rotated, ageDays, maxAgeDays, state };
  });
}
