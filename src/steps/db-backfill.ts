import type { Secret } from "../lib/redact.ts";
import { backfillSchema } from "../model/backfill.ts";
import type { JsonObject } from "../model/json.ts";
import { referenceSchema } from "../model/runbook.ts";
import type { EnvironmentView, Observation, StepContext, StepResult } from "../model/step-kind.ts";
import type { Verdict } from "../model/verdict.ts";
import type { Checkpoint } from "../postgres/backfill/checkpoint.ts";
import type { BackfillOptions } from "../postgres/backfill/worker.ts";
import { readOnly } from "../postgres/session/connect.ts";
import { databaseOf } from "../postgres/session/database-of.ts";
import { backfillFacts, forecastBackfill, type BackfillFacts } from "./backfill/forecast.ts";
import { defineStep } from "./define.ts";
import { failedOrThrow } from "./failed-or-throw.ts";
import { messageOf } from "./migrate/place.ts";

const READ_TIMEOUT_MS = 60_000;

const schema = backfillSchema.extend({
  database: referenceSchema
    .optional()
    .describe("Reference of the connection string; the environment's database when left out"),
});

/** Which codes are what the database answered. */
const ANSWERS = [
  "BACKFILL_REFUSED",
  "BACKFILL_FAILED",
  "BACKFILL_TAKEN",
  "DATABASE_POOLED",
  "MIGRATION_LOCKED",
] as const;

type With = ReturnType<typeof schema.parse>;
type Context = StepContext<With, BackfillFacts>;

/** Fills columns of a table that is in use, in small batches. */
export const dbBackfill = defineStep<typeof schema, BackfillFacts>({
  kind: "db.backfill",
  version: 1,
  inRollback: false,
  summary:
    "Fills columns of a table by an expression while the application goes on writing: a trigger fills what is written meanwhile, small batches of pages fill the rest.",
  requirements: ["C10"],
  schema,
  example: "table: public.users\nset: {handle: lower(email)}\nwhere: handle is null\n",

  async gather(context) {
    const { resolveBackfill } = await import("../postgres/backfill/resolve.ts");
    return backfillFacts(
      context.with,
      await readOnly(readOptions(context), (session) => resolveBackfill(session, context.with)),
    );
  },

  plan: ({ with: settings, facts }) => forecastBackfill(settings, facts),

  async observe(context): Promise<Observation> {
    try {
      const { checkpoint } = await look(context);
      if (checkpoint === undefined || checkpoint.runKey !== context.key)
        return { state: "absent", reason: "this run has not begun it" };
      if (checkpoint.state === "done")
        return { state: "done", reason: "every row is filled", result: resultOf(checkpoint) };
      return { state: "absent", reason: `begun and not done; it goes on at ${describe(checkpoint)}` };
    } catch (error) {
      context.signal.throwIfAborted();
      return { state: "unknown", reason: messageOf(error) };
    }
  },

  async act(context): Promise<StepResult> {
    try {
      const { runBackfill } = await import("../postgres/backfill/run-backfill.ts");
      const report = await runBackfill(context.with, optionsOf(context));
      const { checkpoint } = await look(context);
      const result = checkpoint === undefined ? { rows: report.rows } : resultOf(checkpoint);
      await context.evidence("backfill", JSON.stringify(result, undefined, 2));
      return {
        outcome: "done",
        reason: `${report.rows.toLocaleString("en-US")} rows filled, none left`,
        result,
      };
    } catch (error) {
      return failedOrThrow(error, ...ANSWERS);
    }
  },

  async verify(context): Promise<Verdict> {
    try {
      const { checkpoint, hasTrigger } = await look(context);
      if (checkpoint?.state !== "done")
        return { verdict: "fail", reason: "the checkpoint does not say that every row is filled" };
      if (hasTrigger !== (context.with.trigger === "keep"))
        return {
          verdict: "fail",
          reason: hasTrigger ? "the trigger is still there" : "the trigger is missing",
        };
      return { verdict: "pass", reason: "the last look at every page found no row left" };
    } catch (error) {
      context.signal.throwIfAborted();
      // Not an answer about the rows.
      return { verdict: "unknown", reason: messageOf(error) };
    }
  },

  async undo(context): Promise<StepResult> {
    try {
      const { undoBackfill } = await import("../postgres/backfill/undo-backfill.ts");
      const { rows, reason } = await undoBackfill(context.with, optionsOf(context));
      return { outcome: "done", reason, result: { rows } };
    } catch (error) {
      return failedOrThrow(error, ...ANSWERS);
    }
  },
});

interface Place {
  with: With;
  environment: EnvironmentView;
  signal: AbortSignal;
  secret(reference: string): Secret;
}

async function look(place: Place): Promise<{ checkpoint: Checkpoint | undefined; hasTrigger: boolean }> {
  const { readCheckpoint, readIdentity } = await import("../postgres/backfill/checkpoint.ts");
  const { findTriggerByName } = await import("../postgres/backfill/sync-trigger.ts");
  return readOnly(readOptions(place), async (session) => {
    const identity = await readIdentity(session, place.with);
    return {
      checkpoint: await readCheckpoint(session, identity.name),
      hasTrigger: await findTriggerByName(session, identity),
    };
  });
}

function readOptions(place: Place) {
  return {
    connectionString: databaseOf(place),
    purpose: "look",
    statementTimeoutMs: READ_TIMEOUT_MS,
    signal: place.signal,
  };
}

function optionsOf(context: Context): BackfillOptions {
  const { fence, key, startedBy, clock, signal } = context;
  return {
    connectionString: databaseOf(context),
    fence,
    runKey: key,
    startedBy,
    clock,
    signal,
    progress: (text) => context.progress(text),
  };
}

function resultOf({ name, rows, sweeps, startedAt, updatedAt }: Checkpoint): JsonObject {
  return { name, rows, sweeps, startedAt, endedAt: updatedAt };
}

function describe({ leaves, leaf, page, state }: Checkpoint): string {
  return `page ${page} of ${leaves[leaf]?.pages ?? 0}${state === "sweeping" ? " (checking)" : ""}`;
}
