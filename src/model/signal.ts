import * as z from "zod";

/**
 * What people and other programs tell a run. Signals are only appended; the run reads them at its own pace.
 * `stepId` is set for those that answer one step.
 */
export const signalBodySchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("approve"), stepId: z.string(), planHash: z.string(), note: z.string() }),
  z.strictObject({ kind: z.literal("reject"), stepId: z.string(), note: z.string() }),
  z.strictObject({ kind: z.literal("attest"), stepId: z.string(), item: z.string(), note: z.string() }),
  z.strictObject({ kind: z.literal("hold"), note: z.string() }),
  z.strictObject({ kind: z.literal("resume"), note: z.string() }),
  z.strictObject({
    kind: z.literal("resolve"),
    stepId: z.string(),
    as: z.enum(["done", "retry", "failed"]),
    note: z.string(),
  }),
  z.strictObject({ kind: z.literal("abort"), note: z.string() }),
  z.strictObject({ kind: z.literal("rollback"), note: z.string() }),
]);

export type SignalBody = z.output<typeof signalBodySchema>;

export interface Signal {
  id: number;
  runId: string;
  at: Date;
  /** Who says they sent it. */
  actor: string;
  body: SignalBody;
}
