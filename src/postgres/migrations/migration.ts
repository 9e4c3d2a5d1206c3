import type { Statement } from "../sql/statements.ts";

/**
 * When a file may run. expand: adds what the next release needs, while the release before runs. migrate: moves
 * data. contract: takes away what no release needs any more, only after sign-off.
 */
export const MIGRATION_PHASES = ["expand", "migrate", "contract"] as const;
export type MigrationPhase = (typeof MIGRATION_PHASES)[number];

/** Whose files and whose table of what has run: history/ has one file for each. */
export const HISTORY_FORMATS = ["native", "supabase", "prisma"] as const;
export type HistoryFormat = (typeof HISTORY_FORMATS)[number];

/** A rule that a file is allowed to break, with the reason that its author gave. */
export interface Allowance {
  rule: string;
  reason: string;
  /** Line of the directive, counted from 1. */
  line: number;
}

/** A migration file that was read and found valid. */
export interface Migration {
  format: HistoryFormat;
  /** Unique in its folder: the digits before the first underscore, as written; Prisma's: the folder's whole name. */
  version: string;
  /** What follows, without ".sql". */
  name: string;
  /** Path below the folder of migrations. */
  file: string;
  /** SHA-256 of the content with line ends as LF; Prisma's: of its bytes. */
  checksum: string;
  /** False: the one statement of each section runs outside a transaction. */
  transactional: boolean;
  phase: MigrationPhase;
  /** From lines '-- tminus: allow <rule> <reason>', in the order of the file. */
  allows: Allowance[];
  up: Statement[];
  down?: DownSection;
  /** Why it cannot be run, each beginning with file:line:column. Of no interest once the file has run elsewhere. */
  refusals?: string[];
  /** Supabase's: every statement as written, what its table keeps. */
  script?: string[];
  /** Prisma's: further checksums that mean the same content, such as with other line ends. */
  otherChecksums?: string[];
}

export interface DownSection {
  sql: string;
  /** Line of its file at which `sql` begins. */
  line: number;
}

interface Versioned {
  format: HistoryFormat;
  version: string;
}

/**
 * Orders versions: native ones by their value as numbers, so that 10-digit and 14-digit timestamps may be mixed;
 * others byte by byte, as their owners do.
 */
export function compareVersions(a: Versioned, b: Versioned): number {
  if (a.format !== "native" || b.format !== "native")
    return Buffer.compare(Buffer.from(a.version), Buffer.from(b.version));
  const [first, second] = [BigInt(a.version), BigInt(b.version)];
  return first < second ? -1 : first > second ? 1 : 0;
}

/** Equal for versions that mean the same migration. */
export function versionKey({ format, version }: Versioned): string {
  return format === "native" ? String(BigInt(version)) : version;
}
