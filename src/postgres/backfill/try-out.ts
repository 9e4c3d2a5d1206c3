import { sqlStateOf, type Session } from "../session/connect.ts";
import { pageRange, updateOf, type Backfill, type BackfillProblem } from "./backfill.ts";
import type { ColumnFacts } from "./catalog.ts";
import { quoteName } from "./expression.ts";

/** How many rows the expressions are evaluated over. */
const SAMPLE_ROWS = 1000;

/**
 * Has the server plan the update and evaluate the expressions over some rows, and, when they read what they set,
 * over their own results. Undefined when nothing is wrong; else the transaction around it has failed. Changes
 * nothing.
 */
export async function tryOut(
  session: Session,
  backfill: Backfill,
  { columns, readsItself }: { columns: readonly ColumnFacts[]; readsItself: boolean },
): Promise<BackfillProblem | undefined> {
  try {
    await session.query(`set local search_path = ${backfill.searchPath}; set local row_security = off`);
    for (const leaf of backfill.leaves.slice(0, 1))
      await session.query(`explain ${updateOf(backfill, leaf, pageRange(0, 1))}`);
    await session.query(
      `select ${backfill.columns.map(({ text }) => `count((\n${text}\n))`).join(", ")}
       from (select * from ${backfill.table} limit ${SAMPLE_ROWS}) as ${backfill.alias} where (\n${backfill.where.text}\n)`,
    );
    return readsItself ? await applyTwice(session, backfill, columns) : undefined;
  } catch (error) {
    const state = sqlStateOf(error);
    if (state === undefined) throw error;
    // It takes numbers from a sequence, which only a transaction that writes may do.
    if (state === "25006") return undefined;
    return {
      reason: `the database refuses it: ${error instanceof Error ? error.message : String(error)} (${state})`,
      fix: "Change the expression or the condition.",
    };
  }
}

/** A trigger, a sweep and a resumed batch compute a value again: from the result the same must come. */
async function applyTwice(
  session: Session,
  backfill: Backfill,
  columns: readonly ColumnFacts[],
): Promise<BackfillProblem | undefined> {
  const once = columns.map(({ name }) => {
    const set = backfill.columns.find((column) => column.name === quoteName(name));
    return set === undefined ? quoteName(name) : `(\n${set.text}\n)::${set.type} as ${set.name}`;
  });
  const rows = await session.query(
    `select from (select ${once.join(", ")}
       from (select * from ${backfill.table} limit ${SAMPLE_ROWS}) as ${backfill.alias}) as ${backfill.alias}
     where ${backfill.remaining} limit 1`,
  );
  if (rows.length === 0) return undefined;
  return {
    reason: "applied to its own result an expression gives another value, so it would never be done",
    fix: "Set another column than the ones that the expressions read.",
  };
}
