import * as z from "zod";

/**
 * What a rehearsal of a rollback returns when it went well: all traffic of `from` went back to `to`, which was asked its
 * checks, and forward to `from` again.
 */
export const rehearsalSchema = z.looseObject({
  rehearsed: z.literal(true),
  from: z.string(),
  to: z.string(),
  /** From T-0 until the run had moved traffic for the last time; null when it is not on record. */
  deployedMs: z.number().nullable(),
  rolledBackMs: z.number(),
  smokedOld: z.looseObject({ passed: z.int(), durationMs: z.number() }),
  rolledForwardMs: z.number(),
});

export type Rehearsal = z.output<typeof rehearsalSchema>;

/** Kind of the step that rehearses. */
export const REHEARSAL_KIND = "app.rehearse-rollback";
