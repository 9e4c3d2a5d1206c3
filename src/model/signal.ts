import * as z from "zod";
import type { Actor } from "./actor.ts";
import { decisionWords } from "./decision.ts";
import { attachmentSchema } from "./evidence.ts";

/** What somebody was shown before they approved. */
export const approvalViewSchema = z.strictObject({
  at: z.iso.datetime(),
  gates: z.array(z.strictObject({ id: z.string(), verdict: z.string() })),
  summary: z.array(z.string()).max(2000).describe("What the steps would do, one line each"),
  changes: z
    .array(z.string())
    .max(2000)
    .nullable()
    .describe("What differs from the plan of the release that was approved before; null when none was"),
});
export type ApprovalView = z.output<typeof approvalViewSchema>;

/**
 * What people and other programs tell a run. Signals are only appended; the run reads them at its own pace.
 * `stepId` is set for those that answer one step.
 */
export const signalBodySchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("approve"),
    stepId: z.string(),
    planHash: z.string(),
    note: z.string(),
    saw: approvalViewSchema.optional(),
  }),
  z.strictObject({ kind: z.literal("reject"), stepId: z.string(), note: z.string() }),
  z.strictObject({
    kind: z.literal("attest"),
    stepId: z.string(),
    item: z.string(),
    note: z.string(),
    attachment: attachmentSchema.optional(),
  }),
  z.strictObject({ kind: z.literal("hold"), note: z.string() }),
  z.strictObject({ kind: z.literal("resume"), note: z.string() }),
  z.strictObject({
    kind: z.literal("resolve"),
    stepId: z.string(),
    as: z.enum(decisionWords),
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
  /** The name of who sent it; `identity` says how it is known. */
  actor: string;
  identity: Actor;
  body: SignalBody;
}
