import * as z from "zod";

/**
 * The records from which it can be verified that nothing was changed, in the order in which they are read and exported:
 * a header, the entries of the project's log, each run with its events, evidence, the end. Texts that a hash covers are
 * kept as they are, to the byte.
 */

const countSchema = z.int().nonnegative();
/** As PostgreSQL prints it: UTC with microseconds. */
const timeSchema = z.string();

/** How far a chain has come. The hash is empty before the first link. */
const headSchema = z.strictObject({ sequence: countSchema, hash: z.string() });

const auditHeaderSchema = z.strictObject({
  kind: z.literal("header"),
  version: z.literal(1),
  project: z.string(),
  head: headSchema.describe("Of the project's log"),
  evidence: z.boolean().describe("Whether the content of the evidence follows"),
  run: z.string().optional().describe("The only run that follows, when not all do"),
});

const auditEntrySchema = z.strictObject({
  kind: z.literal("entry"),
  sequence: countSchema,
  at: timeSchema,
  type: z.string(),
  subject: z.string(),
  actor: z.string(),
  data: z.string(),
  previous: z.string(),
  hash: z.string(),
});

const auditRunSchema = z.strictObject({
  kind: z.literal("run"),
  id: z.string(),
  environment: z.string(),
  plan: z.string().describe("JSON"),
  planHash: z.string(),
  context: z.string().describe("JSON"),
  createdAt: timeSchema,
  createdBy: z.string(),
  state: z.string(),
  outcome: z.string().nullable(),
  verdict: z.string().nullable().describe("JSON"),
  endState: z.string().nullable().describe("JSON"),
  head: headSchema.describe("Of the run's log"),
});

const auditEventSchema = z.strictObject({
  kind: z.literal("event"),
  run: z.string(),
  sequence: countSchema,
  at: timeSchema,
  type: z.string(),
  actor: z.string(),
  data: z.string(),
  hash: z.string(),
});

const auditEvidenceSchema = z.strictObject({
  kind: z.literal("evidence"),
  sha256: z.string(),
  content: z.string(),
  encoding: z.literal("base64").optional().describe("Of the content, when it is bytes and no text"),
});

/** Without it the records are not complete. */
const auditEndSchema = z.strictObject({
  kind: z.literal("end"),
  records: countSchema.describe("How many came before this one"),
});

export const auditRecordSchema = z.discriminatedUnion("kind", [
  auditHeaderSchema,
  auditEntrySchema,
  auditRunSchema,
  auditEventSchema,
  auditEvidenceSchema,
  auditEndSchema,
]);

export type ChainHead = z.output<typeof headSchema>;
export type AuditHeader = z.output<typeof auditHeaderSchema>;
export type AuditEntry = z.output<typeof auditEntrySchema>;
export type AuditRun = z.output<typeof auditRunSchema>;
export type AuditEvent = z.output<typeof auditEventSchema>;
export type AuditEvidence = z.output<typeof auditEvidenceSchema>;
export type AuditRecord = z.output<typeof auditRecordSchema>;

/** What was written down elsewhere of the head of a project's log, so that it cannot be rewritten unseen. */
export const anchorSchema = z.strictObject({
  project: z.string(),
  sequence: z.int().positive(),
  hash: z.string(),
  /** The run that had come to a verdict or an end. */
  run: z.string(),
  at: z.string().describe("When it was written, by the worker's clock"),
});
export type Anchor = z.output<typeof anchorSchema>;

const TAG_PREFIX = /^[A-Za-z0-9][A-Za-z0-9_-]*(\/[A-Za-z0-9][A-Za-z0-9_-]*)*$/;

/** Where a runbook wants anchors to be written. */
export const anchorSettingsSchema = z.union([
  z.strictObject({
    file: z
      .string()
      .min(1)
      .describe("File to which each is added as a line; best where tminus's state is not"),
  }),
  z.strictObject({
    git: z
      .string()
      .refine((text) => TAG_PREFIX.test(text), {
        error: "is not a prefix of tags",
        params: { hint: "write it like tminus-audit: letters, digits, - and _, parts separated by /" },
      })
      .meta({ pattern: TAG_PREFIX.source })
      .describe("Prefix of annotated tags in the project's repository; tminus does not push them"),
  }),
]);
export type AnchorSettings = z.output<typeof anchorSettingsSchema>;

/** A place outside the state where anchors are kept. What goes wrong there is thrown. */
export interface AnchorPlace {
  /** For people: "the file audit.anchors". */
  name: string;
  /** It is there for good when this resolves. Safe to repeat. */
  write(anchor: Anchor, signal: AbortSignal): Promise<void>;
  /** Every one that was written, of whatever project; none when there is no such place yet. */
  read(signal: AbortSignal): Promise<Anchor[]>;
}

/** What was found in the place that a runbook names. */
export interface AnchorReading {
  place: string;
  anchors: Anchor[];
  /** Why it could not be found out which there are. */
  unknown?: string;
}

const SHA256 = /^[0-9a-f]{64}$/;

/** SHA-256 of every piece of evidence that an event or an entry names; none when its data cannot be read. */
export function evidenceOf({ data }: Pick<AuditEvent, "data">): string[] {
  if (!['"evidence"', '"proofs"', '"attachment"'].some((word) => data.includes(word))) return [];
  const { evidence, proofs, attachment } = jsonObject(data) ?? {};
  return [...valuesOf(evidence), ...valuesOf(proofs), hashIn(attachment)].filter(
    (value): value is string => typeof value === "string" && SHA256.test(value),
  );
}

function valuesOf(named: unknown): unknown[] {
  return typeof named === "object" && named !== null ? Object.values(named) : [];
}

/** A signal says more of a file than its hash. */
function hashIn(attachment: unknown): unknown {
  return typeof attachment === "object" && attachment !== null && "sha256" in attachment
    ? attachment.sha256
    : attachment;
}

/** Undefined when the text is not JSON of an object. */
export function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // whoever verifies it says that it was edited
  }
}
