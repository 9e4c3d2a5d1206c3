import * as z from "zod";
import { formatDuration, parseDuration } from "../lib/duration.ts";
import { durationSchema, idSchema } from "../model/runbook.ts";
import { attest, type Attestation } from "./checklist/attestation.ts";
import { defineStep } from "./define.ts";
import { durableDeadline } from "./durable-deadline.ts";
import { readAnswers } from "./read-answers.ts";

const DEFAULT_TIMEOUT_MS = 7 * 24 * 3_600_000;
/** The checklist's own time limit ends it with a sentence; the step's comes this much later. */
const MARGIN_MS = 60_000;

const itemSchema = z.strictObject({
  id: idSchema.describe("Name by which the item is attested, unique in the list"),
  text: z.string().min(1).max(500).describe("What the person says is so"),
  owner: z.string().min(1).optional().describe("Who is expected to attest it; shown, not enforced"),
  required: z.boolean().default(true).describe("Whether the run waits for it"),
});

const schema = z.strictObject({
  items: z
    .array(itemSchema)
    .min(1)
    .max(200)
    .refine(
      (items) => new Set(items.map(({ id }) => id)).size === items.length,
      "has two items with the same id",
    )
    .describe("What people attest, each with their name and a note"),
  timeout: durationSchema
    .optional()
    .describe("When the step fails for want of attestations; 7d when left out"),
});

/** Waits until people have attested every required item. */
export const checklist = defineStep({
  kind: "checklist",
  version: 1,
  inRollback: false,
  changesNothing: true,
  summary: "Waits until named persons have attested every required item, each with a note.",
  requirements: ["B7"],
  schema,
  example: "items:\n  - { id: support-told, text: Support knows about the release, owner: lena }\n",

  plan({ with: { items, timeout } }) {
    const limitMs = timeout === undefined ? DEFAULT_TIMEOUT_MS : parseDuration(timeout)!;
    return {
      summary: items.map(
        ({ id, text, owner, required }) =>
          `${required ? "asks for" : "offers"} ${id}: ${text}${owner === undefined ? "" : ` (${owner})`}`,
      ),
      risk: "low",
      durationMs: 0,
      timeoutMs: limitMs + MARGIN_MS,
      undo: { how: "none-needed", text: "attestations change nothing" },
      inputs: [],
      blocked: [],
    };
  },

  async observe() {
    return { state: "absent", reason: "attestations are counted from the inbox again; none is lost" };
  },

  async act(ctx) {
    const { items } = ctx.with;
    const limitMs = ctx.with.timeout === undefined ? DEFAULT_TIMEOUT_MS : parseDuration(ctx.with.timeout)!;
    const until = await durableDeadline(ctx, limitMs);
    const attested = new Map<string, Attestation>();
    const missing = (): string[] =>
      items.filter(({ id, required }) => required && !attested.has(id)).map(({ id }) => id);
    const what = {
      for: "attestation",
      text: items
        .map(({ id, text, required }) => `${id}: ${text}${required ? "" : " (optional)"}`)
        .join("; "),
      until: until.toISOString(),
    } as const;

    if (missing().length > 0) {
      const complete = await ctx.waiting(what, () =>
        readAnswers(ctx, until, (signal) => {
          attest(attested, items, signal);
          ctx.progress(
            missing().length === 0 ? "all items are attested" : `waits for ${missing().join(", ")}`,
          );
          return missing().length === 0 ? true : undefined;
        }),
      );
      if (complete === undefined) {
        const reason = `not attested within ${formatDuration(limitMs)}: ${missing().join(", ")}`;
        return {
          outcome: "failed",
          reason,
          result: { attested: [...attested.values()], missing: missing() },
        };
      }
    }
    const result = { attested: [...attested.values()], missing: [] };
    await ctx.evidence("attestations", JSON.stringify(result.attested, undefined, 2));
    const names = [...new Set(result.attested.map(({ by }) => by))].join(", ");
    return { outcome: "done", reason: names === "" ? "no item is required" : `attested by ${names}`, result };
  },
});
