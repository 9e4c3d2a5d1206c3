import type { AlterTableCmd } from "libpg-query";
import { rangeOf, textsOf, treeOf } from "../../sql/tree.ts";
import { keyOf, type Catalog } from "../catalog/catalog.ts";
import { commandsOf } from "../commands-of.ts";
import type { LintStatement } from "../define-rule.ts";
import { foreignKeysMade } from "./foreign-keys-made.ts";

/** Commands of ALTER TABLE that let readers and writers go on: https://www.postgresql.org/docs/18/sql-altertable.html */
const WEAKER: ReadonlySet<AlterTableCmd["subtype"]> = new Set([
  "AT_SetStatistics",
  "AT_ClusterOn",
  "AT_DropCluster",
  "AT_SetRelOptions",
  "AT_ResetRelOptions",
  "AT_SetOptions",
  "AT_ResetOptions",
  "AT_ValidateConstraint",
  "AT_AttachPartition",
  "AT_EnableTrig",
  "AT_DisableTrig",
  "AT_EnableTrigUser",
  "AT_DisableTrigUser",
  "AT_EnableTrigAll",
  "AT_DisableTrigAll",
]);

/** Tables that nobody can read or write from the statement to the end of its transaction. */
export function exclusivelyLocked(statement: LintStatement, catalog: Catalog): string[] {
  const { node } = statement;
  const altered = commandsOf(statement, catalog).filter(
    ({ subtype, constraint, tree }) =>
      !WEAKER.has(subtype) &&
      constraint?.contype !== "CONSTR_FOREIGN" &&
      treeOf(tree.def, "PartitionCmd")?.concurrent !== true,
  );
  const tables = altered.map(({ table }) => table);
  const renamed = treeOf(node, "RenameStmt");
  if (renamed?.relation !== undefined && renamed.renameType !== "OBJECT_INDEX")
    tables.push(keyOf(catalog, renamed.relation));
  const policy = treeOf(node, "CreatePolicyStmt") ?? treeOf(node, "AlterPolicyStmt");
  if (policy !== undefined) tables.push(keyOf(catalog, policy.table));
  const moved = treeOf(node, "AlterObjectSchemaStmt");
  if (moved?.objectType === "OBJECT_TABLE") tables.push(keyOf(catalog, moved.relation));
  for (const each of treeOf(node, "TruncateStmt")?.relations ?? [])
    tables.push(keyOf(catalog, treeOf(each, "RangeVar")));
  tables.push(...droppedOwners(statement, catalog));
  return [...new Set(tables)];
}

/** Tables that take no writes, but can be read, from the statement to the end of its transaction. */
export function writersLocked(statement: LintStatement, catalog: Catalog): string[] {
  const keys = foreignKeysMade(statement, catalog).flatMap(({ table, parent }) => [table, parent]);
  const trigger = treeOf(statement.node, "CreateTrigStmt");
  const index = treeOf(statement.node, "IndexStmt");
  const written = index?.concurrent === true ? undefined : index;
  const owners = [trigger?.relation, written?.relation].flatMap((relation) =>
    relation === undefined ? [] : [keyOf(catalog, relation)],
  );
  return [...new Set([...keys, ...owners])];
}

function droppedOwners({ node }: LintStatement, catalog: Catalog): string[] {
  const drop = treeOf(node, "DropStmt");
  return (drop?.objects ?? []).flatMap((object) => {
    const names = textsOf(treeOf(object, "List")?.items);
    if (drop?.removeType === "OBJECT_TABLE") return [keyOf(catalog, rangeOf(names))];
    if (drop?.removeType === "OBJECT_POLICY" || drop?.removeType === "OBJECT_TRIGGER")
      return [keyOf(catalog, rangeOf(names.slice(0, -1)))];
    if (drop?.removeType === "OBJECT_INDEX" && drop.concurrent !== true) {
      const table = catalog.indexes.get(keyOf(catalog, rangeOf(names)))?.table;
      return table === undefined ? [] : [table];
    }
    return [];
  });
}
