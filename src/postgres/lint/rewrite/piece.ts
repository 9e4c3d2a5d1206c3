import type { MigrationPhase } from "../../migrations/migration.ts";
import type { BackfillReplacement } from "../define-rule.ts";

/** One file of what stands for a rewritten file; it has no name yet. */
export interface FilePiece {
  kind: "file";
  /** Undefined: statements that were there before. */
  suffix: string | undefined;
  transactional: boolean;
  phase: MigrationPhase;
  /** Statements with their semicolons and comments. */
  sql: string;
  down?: string;
}

export type Piece = FilePiece | ({ kind: "backfill" } & BackfillReplacement);
