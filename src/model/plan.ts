import * as z from "zod";
import { plannedEmergencySchema } from "./emergency.ts";
import { windowStandingSchema } from "./window-standing.ts";

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
  trafficPercent: z
    .number()
    .optional()
    .describe("The release's share of the traffic after it, for a step that moves traffic"),
  undo: undoSchema,
});

export const plannedStageSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  risk: riskSchema,
  success: z.array(z.string()),
  steps: z.array(plannedStepSchema),
});

/** A person's word that a gate need not pass, for a time. */
export const waiverSchema = z.strictObject({
  by: z.string().min(1),
  reason: z.string().min(1),
  until: z.iso.datetime().describe("When it ends by itself"),
  verdict: z.enum(["fail", "unknown"]).describe("What the gate itself had said"),
});

export const gateResultSchema = z.strictObject({
  id: z.string(),
  kind: z.string(),
  title: z.string(),
  verdict: z
    .enum(["pass", "fail", "unknown", "waived"])
    .describe("Only pass and waived let the plan run; unknown: it could not be found out"),
  reason: z.string(),
  fix: z.string().optional().describe("What to do about it, an imperative"),
  evidence: jsonSchema
    .optional()
    .describe("What the gate saw, for people: files, counts, the end of an output"),
  waiver: waiverSchema.optional().describe("Who let it pass all the same; present exactly when it is waived"),
  durationMs: z.number(),
});

/** The moment from which the offsets of steps are counted. */
export const scheduleSchema = z.strictObject({
  zeroAt: z.iso.datetime().describe("T-0"),
  zone: z.string().describe("In which people are told the times"),
});
export type Schedule = z.output<typeof scheduleSchema>;

/** Ordered steps with every input resolved. What a run executes is exactly this document. */
export const planSchema = z.strictObject({
  protocol: z.literal(1).describe("Version of the interpreter that can run it"),
  hash: z
    .string()
    .describe(
      "SHA-256 of the canonical JSON of everything but this, createdAt, window and what gates say beside their verdicts",
    ),
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
    cureMaxErrorPercent: z.number().optional().describe("The share of failed requests that is normal"),
    cureMinRequests: z.int().optional().describe("So many requests are enough to say that few fail"),
  }),
  inputs: z.array(planInputSchema),
  gates: z.array(gateResultSchema),
  stages: z.array(plannedStageSchema),
  blocked: z.array(z.strictObject({ where: z.string(), reason: z.string(), fix: z.string().optional() })),
  scheduled: scheduleSchema
    .optional()
    .describe("When T-0 is to be; left out when it is as early as possible"),
  emergency: plannedEmergencySchema
    .optional()
    .describe("What lets it begin at any time with less asked beforehand; left out outside of emergencies"),
  window: windowStandingSchema
    .optional()
    .describe("Whether it could begin when it was made; left out when nothing keeps deploys out at any time"),
});

export type Plan = z.output<typeof planSchema>;
export type PlannedStage = z.output<typeof plannedStageSchema>;
export type PlannedStep = z.output<typeof plannedStepSchema>;
export type PlanInput = z.output<typeof planInputSchema>;
export type GateResult = z.output<typeof gateResultSchema>;
export type Undo = z.output<typeof undoSchema>;
export type Risk = z.output<typeof riskSchema>;

/** Whether the gate keeps the plan from running. */
export function isClosed({ verdict }: Pick<GateResult, "verdict">): boolean {
  return verdict !== "pass" && verdict !== "waived";
}
