import { parseSync, type Node, type UpdateStmt } from "libpg-query";
import { readPlPgSql } from "../../sql/plpgsql.ts";
import { columnsIn, treeOf } from "../../sql/tree.ts";
import { indexesOf, keyOf, type Catalog } from "../catalog/catalog.ts";
import type { NotRewritten } from "../define-rule.ts";

/**
 * The UPDATE that a DO block runs batch by batch, as one of all rows: its condition is that of the batches. Only
 * where the block does nothing else.
 */
export function loopAsUpdate(block: string, catalog: Catalog): UpdateStmt | NotRewritten {
  if (
    /(:=|\breturn\b)[^;]*\w\s*\(/i.test(block) ||
    /\b(execute|perform|call)\b/i.test(block.replaceAll(/\bperform\s+pg_sleep\s*\([^()]*\)/gi, ""))
  )
    return {
      reason: "The block calls something else: move what it does to the rows into a db.backfill by hand.",
    };
  const nodes = (readPlPgSql(block)?.statements ?? []).flatMap(({ sql }) => parsed(sql));
  const update = treeOf(nodes[0], "UpdateStmt");
  if (update === undefined || nodes.length !== 1)
    return {
      reason:
        "The block does more than one UPDATE: move what it does to the rows into a db.backfill by hand.",
    };
  const table = catalog.tables.get(keyOf(catalog, update.relation));
  if (table === undefined || !columnsIn(update).every((name) => name === "ctid" || table.columns.has(name)))
    return {
      reason:
        "It uses variables of the block, or columns that no file here shows: say it in a db.backfill by hand.",
    };
  const where = conditionOf(update, catalog);
  if (where === undefined)
    return {
      reason:
        "The batches are not found by the table's own key (WHERE id IN (SELECT id FROM the same table WHERE … LIMIT n)): say the condition in a db.backfill by hand.",
    };
  return { ...update, whereClause: where };
}

/** What is no SQL of its own (undefined) counts as work. */
function parsed(sql: string): (Node | undefined)[] {
  try {
    return (parseSync(sql).stmts ?? []).map(({ stmt }) => stmt);
  } catch {
    // PL/pgSQL has words of its own (SELECT … INTO).
    return [undefined];
  }
}

function conditionOf({ relation, whereClause }: UpdateStmt, catalog: Catalog): Node | undefined {
  const link = treeOf(whereClause, "SubLink");
  const select = treeOf(link?.subselect, "SelectStmt");
  if (link?.subLinkType !== "ANY_SUBLINK" || link.operName !== undefined || select === undefined)
    return undefined;
  const table = keyOf(catalog, relation);
  const from = treeOf(select.fromClause?.[0], "RangeVar");
  const isPlain =
    select.fromClause?.length === 1 &&
    from !== undefined &&
    keyOf(catalog, from) === table &&
    [
      select.groupClause,
      select.havingClause,
      select.distinctClause,
      select.withClause,
      select.limitOffset,
    ].every((clause) => clause === undefined);
  const key = columnsIn(link.testexpr);
  const isSame =
    treeOf(link.testexpr, "ColumnRef") !== undefined && key.join() === columnsIn(select.targetList).join();
  if (!isPlain || !isSame || select.targetList?.length !== 1) return undefined;
  const isKey =
    key[0] === "ctid" ||
    indexesOf(catalog, table).some(
      ({ isUnique, isPartial, columns }) => isUnique && !isPartial && columns.join() === key[0],
    );
  return isKey ? select.whereClause : undefined;
}
