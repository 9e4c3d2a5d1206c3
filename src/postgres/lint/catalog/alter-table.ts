import type { AlterTableCmd, Node, RangeVar } from "libpg-query";
import { treeOf } from "../../sql/tree.ts";
import { indexesOf, keyOf, type Catalog, type Table } from "./catalog.ts";
import {
  addColumn,
  addConstraint,
  dropColumn,
  dropConstraint,
  dropTable,
  setNotNull,
} from "./change-table.ts";
import { typeOf } from "./column-of.ts";

/** ALTER TABLE in all its commands, and ALTER … SET SCHEMA. */
export function applyAlterTable(catalog: Catalog, node: Node, file: number): void {
  const move = treeOf(node, "AlterObjectSchemaStmt");
  if (move?.objectType === "OBJECT_TABLE") {
    moveTable(catalog, keyOf(catalog, move.relation), move.newschema ?? "public");
    return;
  }
  const tree = treeOf(node, "AlterTableStmt");
  if (tree === undefined) return;
  const key = keyOf(catalog, tree.relation);
  const table = catalog.tables.get(key);
  if (tree.objtype === "OBJECT_INDEX")
    catalog.tables.get(catalog.indexes.get(key)?.table ?? "")?.attached.push(node);
  if (table === undefined) return;
  for (const each of tree.cmds ?? []) {
    const command = treeOf(each, "AlterTableCmd");
    if (command !== undefined) applyCommand(catalog, table, command, file);
  }
}

function applyCommand(catalog: Catalog, table: Table, command: AlterTableCmd, file: number): void {
  const name = command.name ?? "";
  const column = table.columns.get(name);
  const definition = treeOf(command.def, "ColumnDef");
  const constraint = treeOf(command.def, "Constraint");
  switch (command.subtype) {
    case "AT_AddColumn":
      if (definition !== undefined) addColumn(catalog, table, definition, file);
      return;
    case "AT_DropColumn":
      return dropColumn(catalog, table, name);
    case "AT_AlterColumnType":
      if (column !== undefined) {
        column.type = typeOf(definition?.typeName);
        // A collation that is not said again is that of the new type.
        const { collClause: _collation, ...kept } = column.definition;
        column.definition = { ...kept, ...definition, colname: column.name };
      }
      return;
    case "AT_ColumnDefault":
      if (column !== undefined) {
        column.hasDefault = command.def !== undefined;
        if (command.def === undefined) delete column.default;
        else column.default = command.def;
      }
      return;
    case "AT_SetStatistics":
    case "AT_SetStorage":
    case "AT_SetCompression":
    case "AT_SetOptions":
      if (column !== undefined) column.isTuned = true;
      return;
    case "AT_ReplicaIdentity":
    case "AT_ClusterOn":
    case "AT_AlterConstraint":
      table.attached.push({ AlterTableCmd: command });
      return;
    case "AT_SetNotNull":
      return setNotNull(table, name, true);
    case "AT_DropNotNull":
      return setNotNull(table, name, false);
    case "AT_AddIdentity":
      if (column !== undefined) Object.assign(column, { hasDefault: true, isNumbered: true });
      return;
    case "AT_AddConstraint":
      if (constraint !== undefined) addConstraint(catalog, table, constraint, file);
      return;
    case "AT_DropConstraint":
      return dropConstraint(catalog, table, name);
    case "AT_ValidateConstraint":
      return validate(table, name);
    case "AT_EnableRowSecurity":
      table.hasRowSecurity = true;
      return;
    case "AT_DisableRowSecurity":
      table.hasRowSecurity = false;
      return;
    case "AT_SetTableSpace":
    case "AT_SetAccessMethod":
      table.hasOwnStorage = true;
      return;
    case "AT_AddInherit":
      return addChild(catalog, table, treeOf(command.def, "RangeVar"));
    case "AT_AttachPartition":
    case "AT_DetachPartition":
      return attach(catalog, table, command);
    default:
  }
}

function validate(table: Table, name: string): void {
  const constraint = table.constraints.get(name);
  if (constraint === undefined) return;
  constraint.isValid = true;
  if (constraint.kind === "not-null")
    for (const column of constraint.columns) setNotNull(table, column, true);
}

/** Notes that a table inherits from another one, other than as a partition. */
export function addChild(catalog: Catalog, child: Table, parent: RangeVar | undefined): void {
  child.isChild = true;
  const known = catalog.tables.get(keyOf(catalog, parent));
  if (known !== undefined) known.hasChildren = true;
}

function attach(catalog: Catalog, parent: Table, { subtype, def }: AlterTableCmd): void {
  const command = treeOf(def, "PartitionCmd");
  const child = catalog.tables.get(keyOf(catalog, command?.name));
  if (child === undefined) return;
  child.isDefaultPartition = subtype === "AT_AttachPartition" && command?.bound?.is_default === true;
  if (subtype === "AT_AttachPartition") child.partitionOf = parent.key;
  else delete child.partitionOf;
}

function moveTable(catalog: Catalog, key: string, schema: string): void {
  const table = catalog.tables.get(key);
  if (table === undefined) return;
  renameTable(catalog, table, schema, table.name);
}

/** A table under another name or in another schema, with everything that points to it. */
export function renameTable(catalog: Catalog, table: Table, schema: string, name: string): void {
  const from = table.key;
  const key = `${schema}.${name}`;
  catalog.tables.delete(from);
  dropTable(catalog, key);
  table.formerKeys.push(from);
  Object.assign(table, { key, schema, name });
  catalog.tables.set(key, table);
  for (const index of indexesOf(catalog, from)) {
    catalog.indexes.delete(index.key);
    index.table = key;
    index.key = `${schema}.${index.name}`;
    catalog.indexes.set(index.key, index);
  }
  for (const other of catalog.tables.values()) {
    if (other.partitionOf === from) other.partitionOf = key;
    for (const constraint of other.constraints.values())
      if (constraint.references === from) constraint.references = key;
  }
}
