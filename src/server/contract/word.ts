import { z } from "@hono/zod-openapi";
import { actorSchema } from "../../model/actor.ts";
import { MAX_WORD_MS } from "../../model/timed-word.ts";
import { allowedActionsOf } from "./allowed-action.ts";

const word = {
  id: z.int(),
  environment: z.string(),
  by: z.string(),
  reason: z.string(),
  at: z.iso.datetime(),
  until: z.iso.datetime().openapi({ description: "When it ends by itself" }),
  allowedActions: allowedActionsOf("end"),
};

/** Of a person's word that lets something pass for a time; how long is the call's to judge. */
export const wordBody = {
  environment: z.string(),
  reason: z.string().trim().min(1).max(1000),
  forMs: z
    .int()
    .min(1)
    .openapi({
      description: `How long it holds, in milliseconds; at most ${MAX_WORD_MS}`,
      example: 7_200_000,
    }),
};

export const overrideSchema = z
  .object({
    ...word,
    gate: z.string(),
    identity: actorSchema.optional().openapi({ description: "How it is known who that is" }),
  })
  .openapi("Override");
export type OverrideResource = z.output<typeof overrideSchema>;

export const emergencySchema = z
  .object({ ...word, name: z.string().openapi({ description: "By which people speak of it" }) })
  .openapi("Emergency");
export type EmergencyResource = z.output<typeof emergencySchema>;
