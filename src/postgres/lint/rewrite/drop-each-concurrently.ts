import type { Node } from "libpg-query";
import { literal } from "../../session/literal.ts";
import { quotedName } from "../../sql/names.ts";
import { rangeOf, textsOf, treeOf } from "../../sql/tree.ts";
import { keyOf, type Catalog } from "../catalog/catalog.ts";
import type { NotRewritten, Rewrite } from "../define-rule.ts";
import { sqlOf } from "./sql-of.ts";

/** DROP INDEX as DROP INDEX CONCURRENTLY, one index at a time, each in a file outside a transaction. */
export function dropEachConcurrently(node: Node, catalog: Catalog): Rewrite | NotRewritten {
  const tree = treeOf(node, "DropStmt")!;
  if (tree.behavior === "DROP_CASCADE")
    return {
      reason: "CONCURRENTLY has no CASCADE: drop what depends on the index in a statement of its own.",
    };
  const objects = tree.objects ?? [];
  const keys = objects.map((object) => keyOf(catalog, rangeOf(textsOf(treeOf(object, "List")?.items))));
  const isPartitioned = keys.some(
    (key) => catalog.tables.get(catalog.indexes.get(key)?.table ?? "")?.isPartitioned === true,
  );
  if (isPartitioned) {
    return {
      reason:
        "PostgreSQL drops no index of a partitioned table concurrently: plan the moment in which all its partitions are locked.",
    };
  }
  const gone = keys.map((key) => {
    const [schema = "", name = ""] = key.split(/\.(.*)/s);
    return `to_regclass(${literal(quotedName({ schema, name }))}) is null`;
  });
  return {
    steps: objects.map((object) => ({
      suffix: "drop-index",
      transactional: false,
      sql: sqlOf({ DropStmt: { ...tree, objects: [object], concurrent: true } }),
    })),
    ends: `select ${gone.join(" and ")}`,
  };
}
