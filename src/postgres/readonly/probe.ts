import pg from "pg";
import { sqlStateOf, type Session } from "../session/connect.ts";

export type ProbeAnswer =
  | { table: string; write: "refused" }
  | { table: string; write: "allowed" }
  /** Something else stood in the way, which says nothing about the mode. */
  | { table: string; write: "unknown"; reason: string };

const LOCK_TIMEOUT_MS = 1_000;

/**
 * Writes no row into each table, in a transaction that is rolled back: statement triggers fire all the same.
 * The application's own triggers are kept out of it where the role may do that. Errors: DATABASE_UNREACHABLE.
 */
export async function probeWrites(session: Session, tables: readonly string[]): Promise<ProbeAnswer[]> {
  const answers: ProbeAnswer[] = [];
  try {
    await session.query(
      `begin transaction read write; set local lock_timeout = ${LOCK_TIMEOUT_MS}; savepoint probe`,
    );
    try {
      await session.query("set local session_replication_role = replica; savepoint probe");
    } catch (error) {
      // Only for superusers and whom they let.
      if (sqlStateOf(error) !== "42501") throw error;
      await session.query("rollback to savepoint probe");
    }
    for (const table of tables) {
      answers.push(await probe(session, table));
      await session.query("rollback to savepoint probe");
    }
    return answers;
  } finally {
    await session.rollback();
  }
}

async function probe(session: Session, table: string): Promise<ProbeAnswer> {
  try {
    await session.query(`insert into ${table} select where false`);
    return { table, write: "allowed" };
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    // Another reason to be read-only, such as a standby, is not ours.
    if (error.code === "25006" && error.where?.includes("tminus.refuse_write") === true)
      return { table, write: "refused" };
    return { table, write: "unknown", reason: `${error.message} (${error.code})` };
  }
}
