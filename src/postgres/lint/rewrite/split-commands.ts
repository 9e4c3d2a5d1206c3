import type { Node } from "libpg-query";
import { treeOf } from "../../sql/tree.ts";
import { sqlOf } from "./sql-of.ts";

/**
 * An ALTER TABLE of several commands as up to three statements: what stands before a command, the command alone,
 * and what stands after it. Undefined when it has one command or is no ALTER TABLE. Errors: SQL_UNPRINTABLE.
 */
export function splitCommands(
  node: Node,
  command: number,
): { before?: string; alone: string; after?: string } | undefined {
  const tree = treeOf(node, "AlterTableStmt");
  const commands = tree?.cmds ?? [];
  if (tree === undefined || commands.length < 2) return undefined;
  const sqlFor = (cmds: Node[]): string => sqlOf({ AlterTableStmt: { ...tree, cmds } });
  const [before, after] = [commands.slice(0, command), commands.slice(command + 1)];
  return {
    ...(before.length === 0 ? {} : { before: sqlFor(before) }),
    alone: sqlFor([commands[command]!]),
    ...(after.length === 0 ? {} : { after: sqlFor(after) }),
  };
}
