import * as z from "zod";
import { durationSchema, referenceSchema } from "../../model/runbook.ts";
import { folderSettings } from "../migrate/folder-settings.ts";

/** What a db.rehearse step lets a runbook say. */
export const rehearseSchema = z.strictObject({
  ...folderSettings,
  tier: z
    .union([z.literal(0), z.literal(1), z.literal(2)])
    .default(1)
    .describe(
      "0: in this process, structure only; 1: on a scratch server with made-up rows, as many as production has up to 20,000 a table; 2: there, in a restore of the newest proven backup, with the real rows (put db.backup before)",
    ),
  backups: z
    .string()
    .min(1)
    .optional()
    .describe("For tier 2: folder of the backups, as `directory` of db.backup"),
  canaries: z
    .array(z.string().regex(/^\s*(select|with)\b/i, "a query that begins with SELECT or WITH"))
    .max(100)
    .default([])
    .describe(
      "Queries of the application that are prepared before each file and run again after it; $1 and so on are NULL",
    ),
  prelude: z
    .string()
    .min(1)
    .optional()
    .describe(
      "File of SQL, from the project folder, for what production has without the migrations (a platform's schemas and functions)",
    ),
  requireReversible: z
    .boolean()
    .default(false)
    .describe("Fail when a down section is missing, does not give back the schema, or loses rows"),
  maxLock: durationSchema
    .default("5s")
    .describe("Fail when a lock for which others wait is likely held longer in production"),
  maxDuration: durationSchema
    .default("5m")
    .describe("Fail when all files together likely take longer in production"),
  acceptUnknown: z
    .boolean()
    .default(false)
    .describe(
      "Go on when a file could not be rehearsed or its time not be forecast; it then counts as a note",
    ),
  database: referenceSchema
    .optional()
    .describe(
      "Reference of the connection string; the environment's database when left out. It is only read",
    ),
});

export type RehearseSettings = z.output<typeof rehearseSchema>;
