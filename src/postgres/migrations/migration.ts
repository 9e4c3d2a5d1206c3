import type { Statement } from "../sql/statements.ts";

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
