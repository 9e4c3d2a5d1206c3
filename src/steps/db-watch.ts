import * as z from "zod";
import { TminusError } from "../errors.ts";
import { formatDuration, parseDuration } from "../lib/duration.ts";
import type { Json } from "../model/json.ts";
import { durationSchema, referenceSchema } from "../model/runbook.ts";
import type { StepContext, StepResult } from "../model/step-kind.ts";
import { readHealth } from "../postgres/diagnose/health.ts";
import { readOnly } from "../postgres/session/connect.ts";
import {
  coveragePercent,
  findBreach,
  foldHealth,
  initialHealth,
  type HealthLimits,
  type HealthState,
  type Look,
} from "./database-watch/fold.ts";
import { defineStep } from "./define.ts";
import { readAnswers } from "./read-answers.ts";
import type { Answer as WatchAnswer } from "./watch/answers.ts";
import { connectionString, messageOf, milliseconds } from "./migrate/place.ts";

const READ_TIMEOUT_MS = 5_000;
/** How long a person may take to decide about a window that was not seen. */
const DECISION_LIMIT_MS = 24 * 3_600_000;
/** With less of the window seen it is not known whether all was good. */
const MIN_COVERAGE_PERCENT = 80;

const schema = z
  .strictObject({
    duration: durationSchema.default("15m").describe("How long to watch"),
    every: durationSchema.default("5s").describe("Pause between two looks; at least 1s"),
    for: durationSchema.default("30s").describe("How long a limit may be exceeded before the step fails"),
    maxConnectionsPercent: z
      .number()
      .min(1)
      .max(100)
      .default(95)
      .describe("Connections in use, of the server's limit"),
    slowAfter: durationSchema.default("10s").describe("A statement that runs longer is slow"),
    maxSlowStatements: z.int().min(0).default(5).describe("Slow statements at one moment"),
    maxBlockedSessions: z.int().min(0).default(5).describe("Sessions that wait for a lock at one moment"),
    maxRollbackPercent: z
      .number()
      .min(0)
      .max(100)
      .default(10)
      .describe("Transactions rolled back between two looks"),
    minTransactions: z
      .int()
      .min(1)
      .default(100)
      .describe("With fewer transactions between two looks their share of rollbacks is not judged"),
    database: referenceSchema
      .optional()
      .describe("Reference of the connection string; the environment's database when left out"),
  })
  .refine(({ every }) => (parseDuration(every) ?? 0) >= 1_000, {
    path: ["every"],
    error: "is shorter than 1s",
  })
  .refine(({ duration, every }) => (parseDuration(duration) ?? 0) >= (parseDuration(every) ?? 0), {
    path: ["duration"],
    error: "is shorter than every",
  });

type Settings = z.output<typeof schema>;
type Context = StepContext<Settings, null>;
type Saved = {
  health: HealthState;
  /** Up to which signal a person's answers were taken. */
  lastSignalId: number;
  ended: StepResult | null;
};

/** The database after a migration: its pool, slow statements, lock waits and rollbacks, over a window of time. */
export const dbWatch = defineStep({
  kind: "db.watch",
  version: 1,
  inRollback: false,
  changesNothing: true,
  summary:
    "Watches the database for a time: connections, slow statements, lock waits, rolled back transactions.",
  requirements: ["C14", "F1"],
  schema,
  example: "duration: 15m\nmaxConnectionsPercent: 95\nslowAfter: 10s\n",

  plan({ with: settings }) {
    const durationMs = milliseconds(settings.duration);
    return {
      summary: [
        `watches the database for ${settings.duration}, every ${settings.every}; fails when one of these lasts ${settings.for}:`,
        `  over ${settings.maxConnectionsPercent} % of the connections in use`,
        `  over ${settings.maxSlowStatements} statements slower than ${settings.slowAfter}, or ${settings.maxBlockedSessions} sessions waiting for a lock`,
        `  over ${settings.maxRollbackPercent} % of at least ${settings.minTransactions} transactions rolled back`,
      ],
      risk: "low",
      durationMs,
      timeoutMs: durationMs + DECISION_LIMIT_MS,
      undo: { how: "none-needed", text: "only looks" },
      inputs: [],
      blocked: [],
    };
  },

  async observe(context) {
    const ended = (await load(context))?.ended;
    if (ended?.outcome === "done") return { state: "done", result: ended.result, reason: ended.reason };
    return { state: "absent", reason: "looking does no harm; a watch that was begun goes on" };
  },

  async act(context) {
    const limits = limitsOf(context.with);
    const endsAfterMs = milliseconds(context.with.duration);
    const nowMs = (): number => context.clock.now().getTime();
    let saved = (await load(context)) ?? { health: initialHealth(nowMs()), lastSignalId: 0, ended: null };
    if (saved.ended !== null) return saved.ended;
    const save = async (changes: Partial<Saved>): Promise<void> => {
      saved = { ...saved, ...changes };
      await context.saveState(saved as unknown as Json);
    };
    const end = async (ended: StepResult): Promise<StepResult> => {
      const evidence = { health: saved.health, ended };
      await context.evidence("database.json", JSON.stringify(evidence, undefined, 2));
      await save({ ended });
      return ended;
    };
    for (;;) {
      const look = await lookAt(context);
      const health = foldHealth(saved.health, look, nowMs(), limits);
      await save({ health });
      const breach = findBreach(health, limits);
      if (breach !== undefined) return end(broken(breach, health));
      const leftMs = endsAfterMs - (nowMs() - health.startedAtMs);
      if (leftMs <= 0) {
        const result = over(context, health);
        if (Number(result.result.coveragePercent) >= MIN_COVERAGE_PERCENT) return end(result);
        const answer = await ask(context, result.reason, saved.lastSignalId);
        if (answer.as !== "retry") return end(judged(result, answer));
        await save({ health: initialHealth(nowMs()), lastSignalId: answer.id });
        continue;
      }
      context.progress(describe(health, look, leftMs));
      await context.clock.sleep(limits.everyMs, context.signal);
    }
  },
});

async function load(context: Context): Promise<Saved | undefined> {
  return (await context.loadState()) as Saved | undefined;
}

/** Not being answered is no answer about the release. */
async function lookAt(context: Context): Promise<Look> {
  const slowAfterSeconds = milliseconds(context.with.slowAfter) / 1000;
  try {
    const options = {
      connectionString: connectionString(context),
      purpose: "watch",
      statementTimeoutMs: READ_TIMEOUT_MS,
      signal: context.signal,
    };
    return { read: await readOnly(options, (session) => readHealth(session, slowAfterSeconds)) };
  } catch (error) {
    context.signal.throwIfAborted();
    return { unread: messageOf(error) };
  }
}

function over(context: Context, health: HealthState): StepResult {
  const { duration, every } = context.with;
  const seen = coveragePercent(health, milliseconds(duration), milliseconds(every));
  const why =
    health.unread === 0 ? "" : `; ${health.unread} looks were not answered in full: ${health.unreadReason}`;
  return {
    outcome: "done",
    reason: `no limit was exceeded for long in ${duration}, ${seen} % of it seen${why}`,
    result: { coveragePercent: seen, worst: health.worst },
  };
}

type Answer = Pick<WatchAnswer, "id" | "as" | "by" | "note">;

/** Not having seen enough is neither good nor bad: a person decides. */
async function ask(context: Context, reason: string, after: number): Promise<Answer> {
  const { runId, stepId } = context;
  const text = `too little was seen: ${reason}. Decide about ${stepId}: tminus resume ${runId} --as done (accept) | retry (watch again) | failed`;
  const answer = await context.waiting({ for: "decision", text }, () =>
    readAnswers(context, undefined, ({ id, actor, body }): Answer | undefined =>
      id > after && body.kind === "resolve" && body.as !== "promote"
        ? { id, as: body.as === "extend" ? "retry" : body.as, by: actor, note: body.note }
        : undefined,
    ),
  );
  if (answer === undefined) throw new TminusError("INTERNAL", "the question ended without an answer");
  return answer;
}

function judged({ reason, result }: StepResult, { as, by, note }: Answer): StepResult {
  const words = `${by}${note === "" ? "" : `: ${note}`}`;
  return as === "done"
    ? {
        outcome: "done",
        reason: `${reason}; accepted by ${words}`,
        result: { ...result, acceptedBy: by, note },
      }
    : {
        outcome: "failed",
        reason: `${reason}; judged as failed by ${words}`,
        result: { ...result, decidedBy: by },
      };
}

function broken(breach: string, health: HealthState): StepResult {
  return { outcome: "failed", reason: breach, result: { worst: health.worst } };
}

function describe({ last }: HealthState, look: Look, leftMs: number): string {
  const left = `${formatDuration(Math.max(0, leftMs))} left`;
  if ("unread" in look || last === null) return `the database does not answer, ${left}`;
  return `${last.connectionsPercent} % of the connections, ${last.slowStatements} slow, ${last.blockedSessions} blocked, ${left}`;
}

function limitsOf(settings: Settings): HealthLimits {
  return { ...settings, forMs: milliseconds(settings.for), everyMs: milliseconds(settings.every) };
}
