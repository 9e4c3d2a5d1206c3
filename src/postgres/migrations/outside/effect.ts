import type { Session } from "../../session/connect.ts";

/**
 * What a statement outside a transaction does, and how the catalog tells afterwards how far it came. Everything
 * is read by object id: the search path of the statement is not the one of later questions.
 */
export interface OutsideEffect<Evidence = unknown> {
  /**
   * Before the statement is begun: what there is. Plain JSON; kept in the journal. Errors: MIGRATION_FAILED when
   * something stands in the way that no attempt of ours has made.
   */
  look(session: Session): Promise<Evidence>;
  /**
   * Whether an attempt that was begun took effect; what it left half done is taken away, or brought to its end.
   * "again": the statement is to be run. `say` receives what is cleared away.
   */
  settle(session: Session, evidence: Evidence, say: (text: string) => void): Promise<"done" | "again">;
  /** Takes away what the begun statement made, for a rollback; undefined when it has no such inverse. */
  undo?(session: Session, evidence: Evidence): Promise<void>;
  /** After the statement ran without an error: whether it did what it says. */
  isComplete?(session: Session, evidence: Evidence): Promise<boolean>;
}
