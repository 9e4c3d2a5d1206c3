import { z } from "@hono/zod-openapi";
import { actorSchema } from "../../model/actor.ts";
import { decisionWords } from "../../model/decision.ts";
import { allowedActionsOf, runActions } from "./allowed-action.ts";
import { errorRecordSchema } from "./error.ts";
import { planResourceSchema } from "./plan.ts";
import { runOutcomes, runStates } from "../../model/run-list.ts";
import { eventTypes } from "../../model/run.ts";

export const waitingForSchema = z
  .object({
    for: z.enum(["approval", "attestation", "decision", "time"]),
    text: z.string(),
    until: z.string().optional(),
    answers: z.array(z.enum(decisionWords)).optional(),
    stepId: z.string().optional(),
  })
  .openapi("WaitingFor");

const instant = z.iso.datetime();

const verdictSchema = z.object({
  decision: z.enum(["roll-back", "stop", "fail"]),
  reason: z.string(),
  code: z.string().optional(),
  stepId: z.string().optional(),
  by: z.string(),
  at: z.string(),
});

const endStateSchema = z.object({
  verdict: z.enum(["verified", "contradicted", "unknown"]),
  release: z.string().optional(),
  reason: z.string(),
  at: z.string(),
});

const runFields = {
  id: z.string(),
  environment: z.string(),
  release: z.string(),
  previousRelease: z.string().optional(),
  purpose: z.enum(["deploy", "rollback"]),
  planHash: z.string(),
  isEmergency: z.boolean(),
  state: z.enum(runStates),
  outcome: z.enum(runOutcomes).optional(),
  verdict: verdictSchema.optional(),
  endState: endStateSchema.optional(),
  waitingFor: waitingForSchema.optional(),
  createdAt: instant,
  createdBy: z.string(),
  startedAt: instant.optional(),
  zeroAt: instant.optional(),
  endedAt: instant.optional(),
};

export const runSummarySchema = z.object(runFields).openapi("RunSummary");
export type RunSummary = z.output<typeof runSummarySchema>;

export const runPageSchema = z.object({ runs: z.array(runSummarySchema), hasOlder: z.boolean() });
export type RunPageResource = z.output<typeof runPageSchema>;

export const runSchema = z
  .object({
    ...runFields,
    plan: planResourceSchema,
    starter: actorSchema.clone().openapi({ description: "Who started it, and how that is known" }),
    allowedActions: allowedActionsOf(...runActions),
  })
  .openapi("Run");
export type RunResource = z.output<typeof runSchema>;

export const eventSchema = z
  .object({
    runId: z.string(),
    sequence: z.int(),
    at: instant,
    type: z.enum(eventTypes),
    actor: z.string(),
    data: z.record(z.string(), z.unknown()),
    hash: z.string(),
  })
  .openapi("RunEvent");
export type EventResource = z.output<typeof eventSchema>;

export const attemptSchema = z
  .object({
    runId: z.string(),
    stepId: z.string(),
    phase: z.enum(["act", "undo"]),
    number: z.int().openapi({ description: "1 for the first" }),
    state: z.enum(["begun", "done", "failed"]),
    acted: z.boolean().openapi({ description: "Whether the effect was, or may have been, brought about" }),
    reason: z.string().optional(),
    result: z.record(z.string(), z.unknown()).optional(),
    error: errorRecordSchema.optional(),
    begunAt: instant,
    endedAt: instant.optional(),
  })
  .openapi("Attempt");
export type AttemptResource = z.output<typeof attemptSchema>;

export const sourceSchema = z
  .object({ kind: z.string(), settings: z.record(z.string(), z.unknown()) })
  .openapi("Source");

/** What rolling back from here would do and lose, in its order. */
export const rollbackLineSchema = z
  .object({
    stepId: z.string(),
    title: z.string(),
    what: z.enum(["undo", "keep", "refuse", "unknown"]),
    text: z.string(),
    rowsLost: z.int().nullable(),
  })
  .openapi("RollbackLine");
export type RollbackLineResource = z.output<typeof rollbackLineSchema>;
