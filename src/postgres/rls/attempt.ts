import pg from "pg";
import { sqlStateOf, type Session } from "../session/connect.ts";

/** What became of one try to see or change rows that are not one's own. */
export type Attempt =
  | { outcome: "refused"; reason: string }
  | { outcome: "leak"; reason: string }
  | { outcome: "unknown"; reason: string };

/** Runs in a savepoint that is rolled back. Errors: DATABASE_UNREACHABLE. */
export async function attempt(
  session: Session,
  table: string,
  work: () => Promise<Attempt>,
): Promise<Attempt> {
  await session.query("savepoint attempt");
  try {
    return await work();
  } catch (error) {
    if (sqlStateOf(error) === undefined) throw error;
    return judgeError(error as pg.DatabaseError, table);
  } finally {
    await session.query("rollback to savepoint attempt; release savepoint attempt");
  }
}

/** How many rows a statement changed: without RETURNING, which would ask the policies for reading too. */
export async function changedRows(session: Session, sql: string): Promise<number> {
  await session.query(`do $tminus$ declare n bigint; begin
    ${sql};
    get diagnostics n = row_count;
    perform set_config('tminus.changed', n::text, true);
  end $tminus$`);
  const [row] = await session.query<{ changed: string }>(
    "select current_setting('tminus.changed') as changed",
  );
  return Number(row!.changed);
}

/**
 * Policies are asked before constraints: a row that a constraint of this very table stopped had passed them.
 * A foreign key that stops a delete is reported by the table that refers to the row.
 */
function judgeError(error: pg.DatabaseError, table: string): Attempt {
  const state = error.code ?? "";
  if (state === "42501") return { outcome: "refused", reason: error.message };
  const where = `${pg.escapeIdentifier(error.schema ?? "")}.${pg.escapeIdentifier(error.table ?? "")}`;
  const isOwn = where === table || state === "23503";
  if (state.startsWith("23") && isOwn && error.table !== undefined)
    return {
      outcome: "leak",
      reason: `row security let it through; only a constraint stopped it (${error.message})`,
    };
  return { outcome: "unknown", reason: error.message };
}
