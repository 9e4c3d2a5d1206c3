import { z } from "@hono/zod-openapi";
import { evidenceDemands } from "../../model/follow-up.ts";
import { windowStandingSchema } from "../../model/window-standing.ts";
import { allowedActionsOf } from "./allowed-action.ts";
import { runSummarySchema } from "./run.ts";

/** What the target says of itself right now; `unknown` is neither there nor gone. */
const trafficSchema = z.discriminatedUnion("state", [
  z.object({
    state: z.literal("present"),
    value: z.object({
      generation: z.int(),
      routes: z.array(z.object({ release: z.string(), percent: z.int() })),
    }),
  }),
  z.object({ state: z.literal("absent") }),
  z.object({ state: z.literal("unknown"), reason: z.string() }),
]);

export const freezeSchema = z
  .object({
    name: z.string().openapi({ description: "By which it is lifted" }),
    environment: z.string().optional().openapi({ description: "Every environment when left out" }),
    reason: z.string(),
    by: z.string(),
    at: z.iso.datetime().openapi({ description: "When it was declared" }),
    from: z.iso.datetime(),
    until: z.iso.datetime(),
    allowedActions: allowedActionsOf("thaw"),
  })
  .openapi("Freeze");
export type FreezeResource = z.output<typeof freezeSchema>;

export const taskSchema = z
  .object({
    name: z.string(),
    environment: z.string(),
    run: z.string().optional(),
    text: z.string(),
    owner: z.string().optional(),
    origin: z.string().openapi({ description: "What it comes from: one is opened per run and origin" }),
    evidence: z.enum(evidenceDemands).openapi({ description: "What has to be handed in with it" }),
    openedAt: z.iso.datetime(),
    dueAt: z.iso.datetime(),
    remindedAt: z.iso.datetime().optional(),
    isOverdue: z.boolean(),
    allowedActions: allowedActionsOf("close"),
  })
  .openapi("Task");
export type TaskResource = z.output<typeof taskSchema>;

const lockSchema = z.object({
  id: z.int(),
  runId: z.string(),
  release: z.string(),
  stepId: z.string().optional(),
  reason: z.string(),
  hadTraffic: z.boolean().openapi({ description: "Whether users had been sent to the release" }),
  at: z.iso.datetime(),
});

const workerSchema = z.object({
  name: z.string(),
  runId: z.string(),
  token: z.int().openapi({ description: "Rises whenever the environment is taken by another run or worker" }),
  acquiredAt: z.iso.datetime(),
  heartbeatAt: z.iso.datetime(),
});

export const environmentSchema = z
  .object({
    name: z.string(),
    url: z.string(),
    isProtected: z.boolean(),
    traffic: trafficSchema,
    active: z.array(runSummarySchema).openapi({ description: "Oldest first" }),
    last: runSummarySchema.optional(),
    lock: lockSchema.optional(),
    worker: workerSchema.optional(),
    overdueItems: z
      .array(
        z.object({
          run: z.string(),
          step: z.string(),
          item: z.string(),
          owner: z.string().optional(),
          dueAt: z.iso.datetime(),
        }),
      )
      .openapi({ description: "What somebody should have attested by now" }),
    overdueTasks: z.array(taskSchema),
    windows: windowStandingSchema,
    allowedActions: allowedActionsOf("deploy", "unlock", "freeze", "thaw", "override", "declare-emergency"),
  })
  .openapi("Environment");
export type EnvironmentResource = z.output<typeof environmentSchema>;

export const windowsSchema = z
  .object({
    environment: z.string(),
    standing: windowStandingSchema,
    openings: z.array(z.object({ start: z.string(), end: z.string(), text: z.string() })),
    freezes: z.array(freezeSchema),
  })
  .openapi("Windows");
export type WindowsResource = z.output<typeof windowsSchema>;

export const checkSchema = z
  .object({
    id: z.string(),
    verdict: z.enum(["pass", "fail", "unknown"]),
    text: z.string(),
    fix: z.string().optional(),
  })
  .openapi("Check");
export type CheckResource = z.output<typeof checkSchema>;
