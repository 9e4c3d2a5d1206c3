import * as z from "zod";
import { durationSchema } from "./runbook.ts";

/** What to fill, as a step or a file of `tminus db backfill` says it. */
export const backfillSchema = z.strictObject({
  table: z
    .string()
    .min(1)
    .max(200)
    .describe("The table, with its schema unless the search path finds it: public.users"),
  set: z
    .record(z.string().min(1).max(63), z.string().min(1).max(10_000))
    .refine((columns) => Object.keys(columns).length > 0, "Name at least one column.")
    .describe("Column to SQL expression over the same row: {handle: lower(email)}"),
  where: z
    .string()
    .min(1)
    .max(10_000)
    .optional()
    .describe(
      "SQL condition over the row; only rows for which it is true are filled. All rows when left out",
    ),
  trigger: z
    .enum(["drop", "keep"])
    .default("drop")
    .describe("What becomes of the trigger that fills rows written meanwhile, when all rows are filled"),
  undo: z
    .enum(["keep values", "set null"])
    .default("keep values")
    .describe("What undoing does with the values: leave them, or set the columns to null in all rows"),
  batchPages: z.int().min(1).max(10_000).default(100).describe("Pages of 8 kB in the first batches"),
  batchTarget: durationSchema
    .default("15ms")
    .describe("Batches grow below this time and shrink above it; it is how long a writer may have to wait"),
  minSpeedPercent: z
    .int()
    .min(1)
    .max(100)
    .default(80)
    .describe(
      "While more than one in a hundred commits of a probe takes over three times what it took before, slows down to as little as this share of full speed; 100: never",
    ),
  maxReplicaLagMegabytes: z
    .int()
    .min(1)
    .default(64)
    .describe("Pauses while a replica has more than this to replay"),
  unseenReplicas: z
    .enum(["hold", "ignore"])
    .default("hold")
    .describe(
      "When there are replicas whose lag the role may not see, because it lacks pg_monitor: fill nothing, or take them for caught up",
    ),
  maxWalMegabytesPerSecond: z
    .int()
    .min(1)
    .optional()
    .describe("Goes no faster than this much write-ahead log; no limit when left out"),
  maxDeadPercent: z
    .int()
    .min(5)
    .max(95)
    .default(60)
    .describe("Pauses for a VACUUM when more than this share of the table's rows is dead"),
  lockTimeout: durationSchema
    .default("2s")
    .describe("The longest that installing or dropping the trigger waits for its lock; tries begin lower"),
  lockRetries: z.int().min(1).max(1000).default(30).describe("How often it is tried"),
});

export type BackfillSettings = z.output<typeof backfillSchema>;
