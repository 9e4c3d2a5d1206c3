import type { Statement } from "../sql/statements.ts";

/**
 * When a file may run. expand: adds what the next release needs, while the release before runs. migrate: moves
 * data. contract: takes away what no release needs any more, only after sign-off.
 */
export const MIGRATION_PHASES = ["expand", "migrate", "contract"] as const;
export type MigrationPhase = (typeof MIGRATION_PHASES)[number];

/** A rule that a file is allowed to break, with the reason that its author gave. */
export interface Allowance {
  rule: string;
  reason: string;
  /** Line of the directive, counted from 1. */
  line: number;
}

/** A migration file that was read and found valid. */
export interface Migration {
  /** The digits before the first underscore, as written. */
  version: string;
  /** What follows, without ".sql". */
  name: string;
  /** File name without folder. */
  file: string;
  /** SHA-256 of the content with line ends as LF. */
  checksum: string;
  /** False: the one statement of each section runs outside a transaction. */
  transactional: boolean;
  phase: MigrationPhase;
  /** From lines '-- tminus: allow <rule> <reason>', in the order of the file. */
  allows: Allowance[];
  up: Statement[];
  down?: DownSection;
}

interface DownSection {
  sql: string;
  /** Line of the file at which `sql` begins. */
  line: number;
}

/** Orders versions by their value as numbers: 10-digit and 14-digit timestamps may be mixed. */
export function compareVersions(a: { version: string }, b: { version: string }): number {
  const [first, second] = [BigInt(a.version), BigInt(b.version)];
  return first < second ? -1 : first > second ? 1 : 0;
}
