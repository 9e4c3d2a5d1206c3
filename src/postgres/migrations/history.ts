import type { Session } from "../session/connect.ts";
import type { LedgerRow } from "./ledger.ts";
import type { HistoryFormat, Migration } from "./migration.ts";

/** What the table of the tool that owns the files says about one migration. */
export interface OwnerRow {
  version: string;
  file: string;
  /** Failed: begun, not finished, and not marked as taken back. */
  state: "applied" | "failed";
  /** ISO 8601; null when the table does not say. */
  appliedAt: string | null;
  /** What the table keeps of the content; null where it keeps nothing. */
  checksum: string | null;
  statements: string[] | null;
  /** Why it failed, in the owner's words. */
  log: string | null;
}

/**
 * Files and table of a tool that people have already. What has run is what its table says; the row in
 * tminus.migration is written beside it. Both are written in the transaction of the change itself, so that the
 * owner's tool can go on afterwards. One file in history/ and one line in history/registry.ts for each.
 */
export interface MigrationHistory {
  format: HistoryFormat;
  /** Who else works with these files, for people; undefined when nobody does. */
  owner?: HistoryOwner;
  /** Every migration of a folder, in the order in which the owner runs them. Errors: MIGRATION_INVALID. */
  discover(directory: string): Promise<Migration[]>;
}

export interface HistoryOwner {
  /** "the Supabase CLI". */
  name: string;
  /** Its table, for people. */
  table: string;
  /** Where a file's undo is looked for: "file in supabase/down". */
  undo: string;
  /** Key of the advisory lock that it takes for as long as it migrates; undefined when it takes none. */
  lockKey?: string;
  /** Rows that count, each version once; empty without the table. Reads only. */
  read(session: Session): Promise<OwnerRow[]>;
  /** Whether a file is what ran; undefined when the row does not say. */
  agrees(migration: Migration, row: OwnerRow): boolean | undefined;
  /** Makes its table as the owner would. Safe to repeat. */
  prepare(session: Session): Promise<void>;
  /** One statement that writes its row, for the transaction of the change. Reads only. */
  recordSql(session: Session, migration: Migration, durationMs: number): Promise<string>;
  /** Takes its row away; belongs into the transaction of the undo. */
  forget(session: Session, row: Pick<LedgerRow, "version">): Promise<void>;
  /** What to do about a failed row, after a look at the catalog. Reads only. */
  adviseOnFailure?(session: Session, row: OwnerRow, migration: Migration | undefined): Promise<string>;
  /** Commands of the owner with which a person sets its table right. */
  markApplied(version: string): string;
  markReverted(version: string): string;
}
