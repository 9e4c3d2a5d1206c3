import * as z from "zod";
import { referenceSchema } from "../model/runbook.ts";
import type { EnvironmentView, Observation, StepContext, StepResult } from "../model/step-kind.ts";
import type { Verdict } from "../model/verdict.ts";
import type { ReadOnlyOptions } from "../postgres/readonly/set-mode.ts";
import type { ReadOnlyStatus } from "../postgres/readonly/verify.ts";
import { openSession, readOnly } from "../postgres/session/connect.ts";
import { databaseOf, type DatabaseNamed } from "../postgres/session/database-of.ts";
import { defineStep } from "./define.ts";
import { failedOrThrow } from "./failed-or-throw.ts";
import { messageOf } from "./migrate/place.ts";

const TIMEOUT_MS = 60_000;
const LOCK_TIMEOUT_MS = 2_000;
const LOCK_RETRIES = 20;
/** Measured: two short transactions and a probe. */
const MS_PER_TABLE = 40;
const LIMIT_MS = 1_800_000;

const schema = z.strictObject({
  mode: z.enum(["on", "off"]).describe("on: every write is refused; off: what was before is restored"),
  except: z
    .array(z.string().min(1).max(63))
    .max(100)
    .default([])
    .describe("For on: schemas whose tables stay writable, such as those of another owner"),
  database: referenceSchema
    .optional()
    .describe("Reference of the connection string; the environment's database when left out"),
});

/** Which codes are what the database answered. */
const ANSWERS = ["READONLY_REFUSED", "READONLY_UNPROVEN", "MIGRATION_LOCKED", "DATABASE_POOLED"] as const;

type With = z.output<typeof schema>;

/** What was found when planning; plain JSON. */
type Facts = { state: string; tables: number; foreign: string[] };
type Context = StepContext<With, Facts>;

/** What undo restores. */
interface Before {
  mode: With["mode"];
  except: string[];
}

/** Makes the database refuse writes, or lets them in again. */
export const dbReadonly = defineStep<typeof schema, Facts>({
  kind: "db.readonly",
  version: 1,
  inRollback: false,
  summary:
    "Makes every table of the database refuse writes from anybody, also its owner and superusers, or restores what was before; a write to each table proves it.",
  requirements: ["C13", "F3"],
  schema,
  example: "mode: on\n",

  async gather(context) {
    const { readTables } = await import("../postgres/readonly/tables.ts");
    const { readStatus } = await import("../postgres/readonly/verify.ts");
    return readOnly(readOptions(context), async (session) => {
      const tables = await readTables(session, context.with.except);
      const foreign = tables.filter(({ isOurs }) => !isOurs).map(({ table }) => table);
      return { state: (await readStatus(session)).state, tables: tables.length, foreign };
    });
  },

  plan({ with: { mode, except }, facts: { state, tables, foreign } }) {
    const isOn = mode === "on";
    const kept = except.length === 0 ? "" : `; tables in ${except.join(", ")} stay writable`;
    return {
      summary: [
        isOn
          ? `make ${tables} tables read-only: every write is refused${kept}`
          : "let writes in again, with the grants of before",
        ...(state === "off" ? [] : [`  read-only mode is ${state} now`]),
      ],
      risk: isOn ? "high" : "medium",
      durationMs: tables * MS_PER_TABLE,
      timeoutMs: LIMIT_MS,
      undo: { how: "undo", text: "the database is as writable as before" },
      inputs: [],
      blocked:
        isOn && foreign.length > 0
          ? [
              {
                reason: `the role does not own ${foreign.join(", ")}`,
                fix: "Connect as their owner, or name their schemas under except: they stay writable then.",
              },
            ]
          : [],
    };
  },

  async observe(context): Promise<Observation> {
    try {
      const status = await look(context);
      const reason = `read-only mode is ${status.state}`;
      if (status.state !== context.with.mode || status.problems.length > 0)
        return { state: "absent", reason: [reason, ...status.problems].join("; ") };
      return { state: "done", reason, result: { mode: context.with.mode, tables: status.tables } };
    } catch (error) {
      context.signal.throwIfAborted();
      return { state: "unknown", reason: messageOf(error) };
    }
  },

  async act(context): Promise<StepResult> {
    const { mode, except } = context.with;
    try {
      // An earlier attempt may have changed it already: what it found is what was before.
      if (((await context.loadState()) ?? null) === null)
        await context.saveState({ ...(await lookBefore(context)) });
      return await set(context, { mode, except });
    } catch (error) {
      return failedOrThrow(error, ...ANSWERS);
    }
  },

  async verify(context): Promise<Verdict> {
    try {
      const { verifyMode } = await import("../postgres/readonly/verify.ts");
      await using session = await openSession({ ...readOptions(context), purpose: "prove read-only" });
      // Awaited here, because the session ends with this function.
      return await verifyMode(session, context.with.mode);
    } catch (error) {
      context.signal.throwIfAborted();
      return { verdict: "unknown", reason: messageOf(error) };
    }
  },

  async undo(context): Promise<StepResult> {
    const before = ((await context.loadState()) ?? undefined) as Before | undefined;
    if (before === undefined || before.mode === context.with.mode)
      return { outcome: "done", reason: `this step did not turn it ${context.with.mode}`, result: {} };
    try {
      return await set(context, before);
    } catch (error) {
      return failedOrThrow(error, ...ANSWERS);
    }
  },
});

async function set(context: Context, { mode, except }: Before): Promise<StepResult> {
  const { turnOff, turnOn } = await import("../postgres/readonly/set-mode.ts");
  const options = optionsOf(context);
  const { tables, notes } = await (mode === "on" ? turnOn(except, options) : turnOff(options));
  const reason = mode === "on" ? "writes are refused" : "writes are let in";
  return {
    outcome: "done",
    reason: [`${reason}, proven by one to each table`, ...notes].join("; "),
    result: { mode, tables, notes },
  };
}

async function lookBefore(context: Context): Promise<Before> {
  const { state, except } = await look(context);
  return { mode: state === "on" || state === "turning on" ? "on" : "off", except };
}

async function look(place: DatabaseNamed & { signal: AbortSignal }): Promise<ReadOnlyStatus> {
  const { readStatus } = await import("../postgres/readonly/verify.ts");
  return readOnly(readOptions(place), readStatus);
}

function readOptions(place: DatabaseNamed & { signal: AbortSignal; environment: EnvironmentView }) {
  return {
    connectionString: databaseOf(place),
    purpose: "look",
    statementTimeoutMs: TIMEOUT_MS,
    signal: place.signal,
  };
}

function optionsOf(context: Context): ReadOnlyOptions {
  const { fence, key, startedBy, clock, signal } = context;
  return {
    connectionString: databaseOf(context),
    fence,
    runKey: key,
    appliedBy: startedBy,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
    lockRetries: LOCK_RETRIES,
    statementTimeoutMs: TIMEOUT_MS,
    clock,
    signal,
    progress: (text) => context.progress(text),
  };
}
