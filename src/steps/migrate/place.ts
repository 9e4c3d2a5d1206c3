import { resolve } from "node:path";
import * as z from "zod";
import { TminusError } from "../../errors.ts";
import { parseDuration } from "../../lib/duration.ts";
import type { Secret } from "../../lib/redact.ts";
import { durationSchema, referenceSchema } from "../../model/runbook.ts";
import type { EnvironmentView, StepContext } from "../../model/step-kind.ts";
import type { MigrateOptions } from "../../postgres/migrations/migrate-options.ts";
import { HISTORY_FORMATS, type HistoryFormat } from "../../postgres/migrations/migration.ts";
import type { SessionOptions } from "../../postgres/session/connect.ts";
import { databaseOf as connectionString } from "../../postgres/session/database-of.ts";

export { databaseOf as connectionString } from "../../postgres/session/database-of.ts";

/** How long a question to the ledger or the catalog may take. */
const READ_TIMEOUT_MS = 15_000;

/** What every step that runs migration files lets a runbook say. */
export const migrationSettings = {
  directory: z
    .string()
    .min(1)
    .describe("Folder of <timestamp>_<name>.sql files, from the project folder; may hold {release}"),
  format: z
    .enum(["auto", ...HISTORY_FORMATS])
    .default("auto")
    .describe(
      "Whose files they are: native, supabase (Supabase CLI), prisma (Prisma 7 and older); auto looks at the folder",
    ),
  lockTimeout: durationSchema
    .default("2s")
    .describe("The longest that a statement waits for a lock; tries begin with 50 ms and double up to it"),
  lockRetries: z
    .int()
    .min(1)
    .max(1000)
    .default(20)
    .describe("How often a migration is tried when it cannot get its locks"),
  lockWait: durationSchema
    .default("5m")
    .describe(
      "The longest that is waited, in nobody's way, until no transaction holds for long what a migration locks",
    ),
  endIdleBlockersAfter: durationSchema
    .optional()
    .describe(
      "Ends a session that blocks and has been idle in its transaction for this long; never when left out",
    ),
  endOrphan: z
    .boolean()
    .default(false)
    .describe(
      "Ends what a killed attempt of this step left working in the database, instead of waiting for it",
    ),
  statementTimeout: durationSchema.default("15m").describe("The longest that one statement may run"),
  database: referenceSchema
    .optional()
    .describe("Reference of the connection string; the environment's database when left out"),
};

type MigrationSettings = Omit<z.output<z.ZodObject<typeof migrationSettings>>, "format">;

/** What the database or the files may answer when they are to be changed. */
export const MIGRATION_ANSWERS = [
  "DATABASE_POOLED",
  "MIGRATION_REFUSED",
  "MIGRATION_INVALID",
  "MIGRATION_FAILED",
  "MIGRATION_LOCKED",
] as const;

/** What a plan's and a run's context have in common. */
export interface Place {
  with: MigrationSettings;
  environment: EnvironmentView;
  projectDirectory: string;
  signal: AbortSignal;
  secret(reference: string): Secret;
}

/** For looking: in a session that cannot write. */
export function readOptions(place: Place): SessionOptions {
  return {
    connectionString: connectionString(place),
    purpose: "look",
    statementTimeoutMs: READ_TIMEOUT_MS,
    signal: place.signal,
  };
}

/** For changing: this step's fence, key and limits. */
export function optionsOf(
  context: StepContext<MigrationSettings>,
  format: HistoryFormat = "native",
): MigrateOptions {
  const { with: settings, fence, key, startedBy, clock, signal } = context;
  return {
    format,
    connectionString: connectionString(context),
    fence,
    runKey: key,
    appliedBy: startedBy,
    lockTimeoutMs: milliseconds(settings.lockTimeout),
    lockRetries: settings.lockRetries,
    lockWaitMs: milliseconds(settings.lockWait),
    ...(settings.endIdleBlockersAfter === undefined
      ? {}
      : { endIdleBlockersAfterMs: milliseconds(settings.endIdleBlockersAfter) }),
    endOrphan: settings.endOrphan,
    statementTimeoutMs: milliseconds(settings.statementTimeout),
    clock,
    signal,
    progress: (text) => context.progress(text),
  };
}

export function directoryOf({ with: settings, projectDirectory }: Place): string {
  return resolve(projectDirectory, settings.directory);
}

export function count(migrations: number): string {
  return migrations === 1 ? "1 migration" : `${migrations} migrations`;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function milliseconds(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new TminusError("INTERNAL", `${text} passed the schema but is not a duration`);
  return ms;
}
