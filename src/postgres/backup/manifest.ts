import * as z from "zod";
import { TminusError } from "../../errors.ts";
import { canonicalJson, hashJson } from "../../lib/hash.ts";

/** Raised whenever a backup of the one before cannot be proven any more: 2 counts the rows by what COPY sends. */
export const BACKUP_FORMAT = 2;

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
/** A whole number as text: it may be larger than JSON's numbers are exact. */
const wholeSchema = z.string().regex(/^-?\d+$/);

const fileSchema = z.strictObject({
  file: z
    .string()
    .regex(/^(data\/)?[0-9a-z-]+(\.[0-9a-z]+)+$/)
    .describe("Path within the backup's folder"),
  bytes: z.int().min(0),
  sha256: sha256Schema,
});

/** What a set of rows adds up to, whatever their order. */
const contentSchema = z.strictObject({
  rows: z.int().min(0),
  sum: wholeSchema.describe("Sum of the rows' hashes"),
  xor: wholeSchema.describe("Exclusive or of the rows' hashes"),
});

const tableSchema = z.strictObject({
  name: z.string().min(1).describe("As SQL, qualified and quoted"),
  columns: z.array(z.string()).describe("What was copied, as SQL: generated columns are left out"),
  format: z.enum(["binary", "text"]),
  content: contentSchema,
  parts: z.array(
    fileSchema.extend({ content: contentSchema }).describe("A range of the table's pages, in order"),
  ),
});

const sequenceSchema = z.strictObject({
  name: z.string().min(1),
  lastValue: wholeSchema,
  isCalled: z.boolean(),
  behind: z
    .boolean()
    .describe(
      "Whether it would hand out values that its column already has: so it was in the database itself",
    ),
});

export const proofSchema = z.strictObject({
  manifestHash: sha256Schema.describe("Hash of the manifest that was proven"),
  at: z.iso.datetime(),
  server: z.string().describe("Version of the server that it was restored into"),
  restoreSeconds: z.number().min(0),
  compareSeconds: z.number().min(0),
  tables: z.int(),
  rows: z.int(),
  sequences: z.int(),
  objects: z.int(),
  objectsBy: z
    .enum(["definition", "name"])
    .describe("Servers of two major versions do not print definitions alike; then names are compared"),
  hash: sha256Schema.describe("Hash of the proof itself, without this"),
});

export const manifestSchema = z.strictObject({
  format: z.literal(BACKUP_FORMAT),
  id: z.string().regex(/^[0-9a-z-]+$/),
  key: z.string().nullable().describe("Key of the run's step that made it"),
  label: z.string().describe("Whose database it is, for people"),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  database: z.string(),
  server: z.strictObject({
    version: z.string(),
    major: z.int(),
  }),
  source: z
    .string()
    .optional()
    .describe("Host and database as the connection names them, without credentials"),
  snapshot: z.strictObject({
    at: z.iso.datetime().describe("What was committed before it is in the backup"),
    lsn: z.string().describe("Position of the write-ahead log then"),
    transactions: z.string().describe("pg_current_snapshot(): tells rows written since"),
  }),
  compression: z.enum(["zstd", "gzip"]),
  archive: z
    .strictObject({
      version: z.string().describe("Of pg_dump"),
      major: z.int(),
      files: z.array(fileSchema).min(1),
    })
    .optional()
    .describe("The rows and objects as pg_dump wrote them; the tables then have no parts"),
  schema: fileSchema.describe("The objects and their statements, as JSON"),
  script: fileSchema.describe("The same as one SQL file, for people"),
  objects: z.int().min(0),
  tables: z.array(tableSchema),
  sequences: z.array(sequenceSchema),
  roles: z.array(z.string()).describe("Roles that the objects name; they must exist where it is restored"),
  excluded: z.array(z.string()).describe("Tables whose rows were left out on purpose"),
  uncovered: z.array(z.string()).describe("What the database has and the backup does not"),
  hash: sha256Schema.describe("Hash of all of the above"),
  proof: proofSchema
    .optional()
    .describe("That it was restored and compared; without it the backup counts for nothing"),
});

const formatSchema = z.object({ format: z.int() });

export type BackupManifest = z.output<typeof manifestSchema>;
export type BackupProof = z.output<typeof proofSchema>;
export type BackupTable = z.output<typeof tableSchema>;
export type BackupSequence = z.output<typeof sequenceSchema>;
export type BackupFile = z.output<typeof fileSchema>;
export type RowContent = z.output<typeof contentSchema>;

/** A manifest with its hash, and without a proof. */
export function sealManifest(content: Omit<BackupManifest, "hash" | "proof">): BackupManifest {
  return { ...content, hash: hashJson(content) };
}

/** The manifest with a proof of itself. */
export function sealProof(
  manifest: BackupManifest,
  proof: Omit<BackupProof, "hash" | "manifestHash">,
): BackupManifest {
  const content = { ...proof, manifestHash: manifest.hash };
  return { ...manifest, proof: { ...content, hash: hashJson(content) } };
}

/** The bytes of manifest.json: the same for equal manifests, so that a change of any byte is seen. */
export function manifestText(manifest: BackupManifest): string {
  return `${canonicalJson(manifest)}\n`;
}

/** The inverse of manifestText. Errors: BACKUP_INVALID, which names `file`, for text that it did not write. */
export function parseManifest(text: string, file: string): BackupManifest {
  const json = jsonOf(text);
  const format = formatSchema.safeParse(json).data?.format;
  if (format !== undefined && format !== BACKUP_FORMAT) {
    throw damaged(
      file,
      `it is of format ${format}, and this tminus reads format ${BACKUP_FORMAT}: make a new backup`,
    );
  }
  const manifest = manifestSchema.safeParse(json);
  if (!manifest.success) throw damaged(file, "it cannot be read");
  const { hash, proof, ...content } = manifest.data;
  if (hashJson(content) !== hash) throw damaged(file, "its content does not have the hash that it names");
  if (proof !== undefined && !isSound(proof))
    throw damaged(file, "its proof does not have the hash that it names");
  if (manifestText(manifest.data) !== text) throw damaged(file, "it is not as it was written");
  return manifest.data;
}

export interface BasisLimits {
  /** The longest that restoring may have taken in the proof. */
  restoreLimitMs?: number | undefined;
  /** Take a backup that says itself that it does not cover everything. */
  acceptUncovered?: boolean;
}

/**
 * Whether a run may rely on this backup: only when it was restored and compared, covers everything, and was
 * restored in time. Pure; looks at the manifest alone. Requirement C1.
 */
export function isRollbackBasis(
  { hash, proof, uncovered }: BackupManifest,
  { restoreLimitMs, acceptUncovered = false }: BasisLimits = {},
): { basis: boolean; reasons: string[] } {
  const reasons: string[] = [];
  if (proof === undefined) reasons.push("it was never restored and compared");
  else if (proof.manifestHash !== hash || !isSound(proof))
    reasons.push("its proof belongs to another backup");
  if (!acceptUncovered && uncovered.length > 0) {
    reasons.push(`not a full basis; not covered: ${uncovered.join(", ")}`);
  }
  if (proof !== undefined && restoreLimitMs !== undefined && proof.restoreSeconds * 1000 > restoreLimitMs) {
    reasons.push(`restoring took ${proof.restoreSeconds} s; the limit is ${restoreLimitMs / 1000} s`);
  }
  return { basis: reasons.length === 0, reasons };
}

/** Several contents as one. */
export function addContents(contents: readonly RowContent[]): RowContent {
  let rows = 0;
  let sum = 0n;
  let xor = 0n;
  for (const content of contents) {
    rows += content.rows;
    sum += BigInt(content.sum);
    xor ^= BigInt(content.xor);
  }
  return { rows, sum: String(sum), xor: String(BigInt.asIntN(64, xor)) };
}

export function damaged(file: string, reason: string): TminusError {
  return new TminusError("BACKUP_INVALID", `${file}: ${reason}`, { details: { file } });
}

function isSound({ hash, ...content }: BackupProof): boolean {
  return hashJson(content) === hash;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Said by the schema, which undefined does not fit.
    return undefined;
  }
}
