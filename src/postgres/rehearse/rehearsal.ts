import * as z from "zod";

/** 0: in this process, structure only. 1: a scratch server with made-up rows. 2: a copy of a proven restore. */
const tierSchema = z.union([z.literal(0), z.literal(1), z.literal(2)]);
export type Tier = z.output<typeof tierSchema>;

const relation = z.string().describe("Name, with its schema unless that is public");

/** A duration that is not known exactly; milliseconds. */
const estimateSchema = z.strictObject({
  lowMs: z.number().describe("It hardly takes less"),
  likelyMs: z.number(),
  highMs: z.number().describe("It hardly takes more, on a server like the one measured"),
});
export type Estimate = z.output<typeof estimateSchema>;

const forecastSchema = z.discriminatedUnion("state", [
  estimateSchema.extend({
    state: z.literal("estimated"),
    basis: z.string().describe("What it was made from, for people: 'measured on 20000 of 1000000 rows'"),
  }),
  z.strictObject({ state: z.literal("unknown"), reason: z.string().describe("Why nobody can say") }),
]);
export type Forecast = z.output<typeof forecastSchema>;

/** What one statement was seen to do to relations that existed before its file began. */
const seenSchema = z.strictObject({
  locks: z
    .array(
      z.strictObject({
        relation,
        mode: z.string().describe("As PostgreSQL's documentation calls it: 'access exclusive'"),
        through: z.string().optional().describe("The index whose lock keeps everybody from the table"),
      }),
    )
    .describe("Newly held after the statement; access share, which every query takes, is left out"),
  locksSeen: z.boolean().describe("False: nobody could look while the statement ran, so the list is empty"),
  rewrites: z.array(relation).describe("Tables whose rows were all written anew"),
  truncated: z.array(relation),
  dropped: z.array(relation),
  indexes: z.array(
    z.strictObject({
      index: z.string(),
      relation,
      how: z
        .enum(["built", "rebuilt", "reused"])
        .describe("reused: a new entry in the catalog with the old content"),
      valid: z.boolean(),
    }),
  ),
  validated: z
    .array(z.strictObject({ constraint: z.string(), relation }))
    .describe("Constraints that hold for every row from now on and did not before"),
  scans: z.array(
    z.strictObject({
      relation,
      tuples: z.number().describe("Rows read; less than all of them when several processes read"),
    }),
  ),
  rows: z.array(z.strictObject({ relation, inserted: z.number(), updated: z.number(), deleted: z.number() })),
  walBytes: z.number().describe("Written to the log; other databases of the server count too"),
});
export type Seen = z.output<typeof seenSchema>;

const statementRecordSchema = z.strictObject({
  line: z.int().describe("Line of the file, counted from 1"),
  text: z.string().describe("Its beginning"),
  elapsedMs: z.number().describe("Measured in the rehearsal"),
  seen: seenSchema,
  forecast: forecastSchema,
});

const lockForecastSchema = z.strictObject({
  relation,
  mode: z.string(),
  blocks: z.enum(["nothing", "writes", "reads and writes"]),
  held: forecastSchema.describe("From the statement that takes it to the end of the transaction"),
});
export type LockForecast = z.output<typeof lockForecastSchema>;

const differenceSchema = z.strictObject({
  object: z.string().describe("'column users.email'"),
  change: z.enum(["missing", "extra", "different"]).describe("Seen from the schema before the file ran"),
});
export type Difference = z.output<typeof differenceSchema>;

const lossSchema = z.strictObject({
  relation,
  rows: z.int().describe("Rows of before that are not there, or not as they were, after up and down"),
  columns: z.array(z.string()).describe("Columns whose values are not what they were"),
});
export type Loss = z.output<typeof lossSchema>;

const roundTripSchema = z.discriminatedUnion("state", [
  z.strictObject({ state: z.literal("no-down") }),
  z.strictObject({
    state: z.literal("done"),
    differences: z.array(differenceSchema).describe("Empty: down restores the schema"),
    upAgain: z
      .array(differenceSchema)
      .describe("Empty: a second up gives the same schema as the first; with a fresh start always so"),
    counted: z.boolean().describe("Whether there were rows to count"),
    losses: z.array(lossSchema),
  }),
  z.strictObject({
    state: z.literal("failed"),
    step: z.enum(["down", "up again"]),
    reason: z.string(),
  }),
]);
export type RoundTrip = z.output<typeof roundTripSchema>;

const fileRecordSchema = z.strictObject({
  file: z.string(),
  version: z.string(),
  sentence: z.string().describe("All of it for people"),
  outcome: z
    .enum(["passed", "failed", "not-rehearsed"])
    .describe("not-rehearsed: it says nothing about the file itself"),
  reason: z.string().optional().describe("Why it failed or could not be rehearsed"),
  statements: z.array(statementRecordSchema),
  locks: z.array(lockForecastSchema),
  total: forecastSchema,
  roundTrip: roundTripSchema.optional().describe("Left out when up itself did not pass"),
});
export type FileRecord = z.output<typeof fileRecordSchema>;

const canaryRecordSchema = z.strictObject({
  query: z.string(),
  file: z.string().describe("The file after which it was tried"),
  outcome: z
    .enum(["stale-plan", "broken"])
    .describe("stale-plan: it works again on a new connection; broken: it does not work any more"),
  reason: z.string(),
});
export type CanaryRecord = z.output<typeof canaryRecordSchema>;

/** What was seen when the pending files were tried out in a database of our own. Plain JSON, kept as evidence. */
export const rehearsalSchema = z.strictObject({
  format: z.literal(1),
  tier: tierSchema,
  server: z.string().describe("Version of the server it was tried on"),
  history: z.int().describe("How many files that have run were applied first"),
  filled: z.array(
    z.strictObject({
      relation,
      rows: z.int().describe("In the rehearsal"),
      production: z.number().nullable().describe("Estimated rows in production; null when not known"),
      note: z.string().optional().describe("Why it has no rows"),
    }),
  ),
  files: z.array(fileRecordSchema),
  canaries: z.array(canaryRecordSchema).describe("Only those that noticed something"),
  total: forecastSchema.describe("Of all files"),
  limits: z.array(z.string()).describe("What this rehearsal could not see"),
});
export type Rehearsal = z.output<typeof rehearsalSchema>;
