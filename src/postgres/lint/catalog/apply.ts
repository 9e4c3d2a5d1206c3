import type { CreateStmt, IndexStmt, Node, PartitionSpec } from "libpg-query";
import { treeOf } from "../../sql/tree.ts";
import { addChild, applyAlterTable } from "./alter-table.ts";
import { applyAttached } from "./attached.ts";
import { keyOf, type Catalog, type PartitionKey, type Table } from "./catalog.ts";
import { addColumn, addConstraint, dropTable } from "./change-table.ts";
import { applyDrop } from "./drop.ts";
import { applyFunction, applyPolicy, applySetting, applyType, applyView } from "./objects.ts";
import { applyRename } from "./rename.ts";

/** What a statement changes in the schema. `file` is the number of the file it stands in. Nothing it cannot read is an error. */
export function applyStatement(catalog: Catalog, node: Node, file: number): void {
  const create = treeOf(node, "CreateStmt");
  if (create !== undefined) return createTable(catalog, create, file);
  const createAs = treeOf(node, "CreateTableAsStmt");
  if (createAs?.objtype === "OBJECT_TABLE") {
    newTable(catalog, keyOf(catalog, createAs.into?.rel), file).isComplete = false;
    return;
  }
  const index = treeOf(node, "IndexStmt");
  if (index !== undefined) return createIndex(catalog, index, file);
  const schema = treeOf(node, "CreateSchemaStmt");
  if (schema?.schemaname !== undefined) return void catalog.schemas.add(schema.schemaname);
  const trigger = treeOf(node, "CreateTrigStmt");
  if (trigger !== undefined) {
    return void catalog.tables
      .get(keyOf(catalog, trigger.relation))
      ?.triggers.set(trigger.trigname ?? "", trigger);
  }
  applyAlterTable(catalog, node, file);
  applyDrop(catalog, node);
  applyRename(catalog, node);
  applyType(catalog, node, file);
  applyView(catalog, node, file);
  applyFunction(catalog, node);
  applyPolicy(catalog, node);
  applySetting(catalog, node);
  applyAttached(catalog, node);
}

function createTable(catalog: Catalog, tree: CreateStmt, file: number): void {
  const key = keyOf(catalog, tree.relation);
  if (catalog.tables.has(key)) {
    // With IF NOT EXISTS it stays as it is; without, the statement fails.
    return;
  }
  const table = newTable(catalog, key, file);
  table.isPartitioned = tree.partspec !== undefined;
  if (tree.partspec !== undefined) table.partitionKey = partitionKeyOf(tree.partspec);
  table.hasOwnStorage = tree.tablespacename !== undefined || tree.accessMethod !== undefined;
  const parent = tree.partbound === undefined ? undefined : treeOf(tree.inhRelations?.[0], "RangeVar");
  if (parent !== undefined) {
    table.partitionOf = keyOf(catalog, parent);
    table.isDefaultPartition = tree.partbound?.is_default === true;
    copyColumns(catalog.tables.get(table.partitionOf), table);
  } else if ((tree.inhRelations ?? []).length > 0) {
    table.isComplete = false;
    for (const each of tree.inhRelations ?? []) addChild(catalog, table, treeOf(each, "RangeVar"));
  }
  for (const element of tree.tableElts ?? []) {
    const definition = treeOf(element, "ColumnDef");
    if (definition !== undefined) addColumn(catalog, table, definition, file);
    const constraint = treeOf(element, "Constraint");
    if (constraint !== undefined) addConstraint(catalog, table, constraint, file);
    if (treeOf(element, "TableLikeClause") !== undefined) table.isComplete = false;
  }
}

const STRATEGIES = {
  PARTITION_STRATEGY_RANGE: "range",
  PARTITION_STRATEGY_LIST: "list",
  PARTITION_STRATEGY_HASH: "hash",
} as const;

function partitionKeyOf({ strategy, partParams }: PartitionSpec): PartitionKey {
  return {
    strategy: STRATEGIES[strategy ?? "PARTITION_STRATEGY_HASH"],
    columns: (partParams ?? []).map((node) => treeOf(node, "PartitionElem")?.name),
  };
}

function newTable(catalog: Catalog, key: string, file: number): Table {
  const [schema = "", name = ""] = key.split(/\.(.*)/s);
  dropTable(catalog, key);
  const table: Table = {
    key,
    schema,
    name,
    madeIn: file,
    columns: new Map(),
    constraints: new Map(),
    policies: new Map(),
    triggers: new Map(),
    attached: [],
    hasChildren: false,
    formerKeys: [],
    hasRowSecurity: false,
    isPartitioned: false,
    isComplete: true,
  };
  catalog.tables.set(key, table);
  return table;
}

function copyColumns(from: Table | undefined, to: Table): void {
  if (from === undefined || !from.isComplete) to.isComplete = false;
  for (const [name, column] of from?.columns ?? [])
    to.columns.set(name, { ...column, formerNames: [...column.formerNames] });
}

function createIndex(catalog: Catalog, tree: IndexStmt, file: number): void {
  const table = keyOf(catalog, tree.relation);
  const columns = (tree.indexParams ?? []).map((node) => treeOf(node, "IndexElem")?.name);
  const [schema = "public", relation = ""] = table.split(/\.(.*)/s);
  const name = tree.idxname ?? `${relation}_${columns.map((column) => column ?? "expr").join("_")}_idx`;
  const key = `${schema}.${name}`;
  if (catalog.indexes.has(key)) return;
  catalog.indexes.set(key, {
    key,
    name,
    table,
    columns,
    isUnique: tree.unique === true,
    isPartial: tree.whereClause !== undefined,
    ...(tree.whereClause === undefined ? {} : { where: tree.whereClause }),
    method: tree.accessMethod ?? "btree",
    tree,
    madeIn: file,
  });
}
