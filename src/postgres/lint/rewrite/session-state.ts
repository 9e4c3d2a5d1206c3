import { callsIn, treeOf } from "../../sql/tree.ts";
import type { LintStatement } from "../define-rule.ts";

/** Of no meaning for what a statement does; db.migrate sets its own. */
const HARMLESS =
  /^(lock_timeout|statement_timeout|transaction_timeout|idle_in_transaction_session_timeout|idle_session_timeout|client_min_messages|application_name|maintenance_work_mem|work_mem|max_parallel_maintenance_workers|deadlock_timeout)$/;

/** SET and RESET: they hold for the statements that come after. */
export function isSetting({ node }: LintStatement): boolean {
  return treeOf(node, "VariableSetStmt") !== undefined;
}

/** Whether a setting may be left out without another result. */
export function isHarmlessSetting({ node }: LintStatement): boolean {
  return HARMLESS.test(treeOf(node, "VariableSetStmt")?.name ?? "");
}

/** Why the statements around this one have to stay in its session or transaction; undefined when they need not. */
export function dependsOnSession({ node }: LintStatement): string | undefined {
  if (treeOf(node, "TransactionStmt") !== undefined)
    return "The file begins and ends transactions itself: remove BEGIN, COMMIT and SAVEPOINT first.";
  const table = treeOf(node, "CreateStmt")?.relation ?? treeOf(node, "CreateTableAsStmt")?.into?.rel;
  if (table?.relpersistence === "t")
    return "Its temporary table would be gone in the next file: use a table, and drop it in the last one.";
  if (treeOf(node, "LockStmt") !== undefined)
    return "LOCK TABLE holds only to the end of its own file: remove it first.";
  if (treeOf(node, "ConstraintsSetStmt") !== undefined)
    return "SET CONSTRAINTS holds only to the end of its own file.";
  if (treeOf(node, "DeclareCursorStmt") !== undefined || treeOf(node, "PrepareStmt") !== undefined)
    return "A cursor or prepared statement would be gone in the next file.";
  if (treeOf(node, "SelectStmt") !== undefined && callsIn(node).includes("set_config"))
    return "set_config() would have to be called in each file again: write SET.";
  return undefined;
}
