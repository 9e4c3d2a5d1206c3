import * as z from "zod";

const jsonSchema = z.json();

/** How a step is undone, decided when planning. */
export const undoSchema = z.discriminatedUnion("how", [
  z.strictObject({
    how: z.literal("undo"),
    text: z.string().describe("What undoing does, as a sentence part: 'traffic back to what it was'"),
    loss: z.string().optional().describe("What undoing loses, when it loses anything"),
  }),
  z.strictObject({
    how: z.literal("none-needed"),
    text: z.string().describe("Why there is nothing to undo: 'only reads'"),
  }),
  z.strictObject({
    how: z.literal("irreversible"),
    text: z.string().describe("Why it cannot be undone"),
  }),
]);

export const riskSchema = z.enum(["low", "medium", "high"]);

/** Something that the plan was made from; when its digest differs at deploy time the plan is stale. */
export const planInputSchema = z.strictObject({
  name: z.string().describe("What it is, for people: 'release files of v2'"),
  digest: z.string().describe("Hash of its content, or the value itself when it is short"),
});

export const plannedStepSchema = z.strictObject({
  id: z.string(),
  kind: z.string(),
  kindVersion: z.int(),
  title: z.string(),
  stage: z.string(),
  with: z.record(z.string(), jsonSchema).describe("The kind's own settings, defaults filled in"),
  facts: jsonSchema.describe("What the kind found out when planning and relies on when running"),
  summary: z.array(z.string()).describe("What will happen, one line each"),
  risk: riskSchema,
  durationMs: z.number().describe("Expected; 0 when unknown"),
  timeoutMs: z.number(),
  offsetMs: z.number().optional().describe("Earliest start relative to T-0; negative before it"),
  onFailure: z.enum(["rollback", "hold"]),
  undo: undoSchema,
});

export const plannedStageSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  risk: riskSchema,
  success: z.array(z.string()),
  steps: z.array(plannedStepSchema),
});

export const gateResultSchema = z.strictObject({
  id: z.string(),
  kind: z.string(),
  title: z.string(),
  verdict: z.enum(["pass", "fail", "unknown"]),
  reason: z.string(),
  fix: z.string().optional().describe("What to do about it, an imperative"),
  durationMs: z.number(),
});

/** Ordered steps with every input resolved. What a run executes is exactly this document. */
export const planSchema = z.strictObject({
  protocol: z.literal(1).describe("Version of the interpreter that can run it"),
  hash: z
    .string()
    .describe("SHA-256 of the canonical JSON of everything but this, createdAt and the gates' durations"),
  createdAt: z.string(),
  project: z.string(),
  purpose: z.enum(["deploy", "rollback"]),
  release: z.string(),
  previousRelease: z.string().optional().describe("What is live while planning"),
  live: z
    .array(z.strictObject({ release: z.string(), percent: z.number() }))
    .describe("Who has which share of the traffic while planning; empty when nothing was ever deployed"),
  endRelease: z.string().optional().describe("The release that has all traffic when the plan is done"),
  environment: z.strictObject({
    name: z.string(),
    url: z.string(),
    protected: z.boolean(),
    targetKind: z.string(),
    database: z.string().optional().describe("Reference of the connection string, never the value"),
  }),
  rollback: z.strictObject({
    automatic: z.boolean(),
    database: z.enum(["keep", "down"]),
    cureMs: z.number().describe("How long the service is observed after a rollback"),
  }),
  inputs: z.array(planInputSchema),
  gates: z.array(gateResultSchema),
  stages: z.array(plannedStageSchema),
  blocked: z.array(z.strictObject({ where: z.string(), reason: z.string(), fix: z.string().optional() })),
});

export type Plan = z.output<typeof planSchema>;
export type PlannedStage = z.output<typeof plannedStageSchema>;
export type PlannedStep = z.output<typeof plannedStepSchema>;
export type PlanInput = z.output<typeof planInputSchema>;
export type GateResult = z.output<typeof gateResultSchema>;
export type Undo = z.output<typeof undoSchema>;
export type Risk = z.output<typeof riskSchema>;

/** All steps of a plan in the order in which they run. */
export function stepsOf(plan: Plan): PlannedStep[] {
  return plan.stages.flatMap((stage) => stage.steps);
}
