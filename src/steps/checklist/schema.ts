import * as z from "zod";
import { isRequired } from "../../model/attestation.ts";
import { evidenceDemands } from "../../model/follow-up.ts";
import { durationSchema, idSchema, offsetSchema } from "../../model/runbook.ts";
import { parseOffset } from "../../lib/duration.ts";

const itemSchema = z.strictObject({
  id: idSchema.describe("Name by which the item is attested, unique in the list"),
  text: z.string().min(1).max(500).describe("What the person says is so"),
  owner: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe("Who has to attest it; enforced as soon as there are users, before that only shown"),
  evidence: z
    .enum(evidenceDemands)
    .default("none")
    .describe("What has to be handed in with it: nothing, a note, or a file (tminus ack --attach)"),
  due: offsetSchema
    .optional()
    .describe("When it is due, relative to T-0: T-30m, T+24h, T+7d; its owner is reminded from then on"),
  required: z
    .boolean()
    .optional()
    .describe(
      "Whether the run waits for it. When left out: yes, unless it is due after T-0. What the run does not wait for becomes a task as it ends",
    ),
});

export const checklistSchema = z.strictObject({
  items: z
    .array(itemSchema)
    .min(1)
    .max(200)
    .refine(
      (items) => new Set(items.map(({ id }) => id)).size === items.length,
      "has two items with the same id",
    )
    .describe("What people attest, each with their name, and with a note or a file where that is asked for"),
  timeout: durationSchema
    .optional()
    .describe("When the step fails for want of attestations; 7d when left out"),
});

export type ChecklistSettings = z.output<typeof checklistSchema>;
export type ChecklistItem = ChecklistSettings["items"][number];

/** In ms from T-0. */
export function dueMsOf({ due }: ChecklistItem): number | undefined {
  return due === undefined ? undefined : parseOffset(due);
}

/** Whether the run waits for it. */
export function isWaitedFor(item: ChecklistItem): boolean {
  return isRequired(item.required, dueMsOf(item));
}
