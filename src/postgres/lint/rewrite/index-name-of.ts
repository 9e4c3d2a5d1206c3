import type { IndexStmt } from "libpg-query";
import { treeOf } from "../../sql/tree.ts";
import { keyOf, type Catalog } from "../catalog/catalog.ts";
import { chosenName } from "./chosen-name.ts";

/**
 * The name that PostgreSQL gives to an index that is written without one, as far as the files tell which names are
 * taken; undefined for an index over an expression, whose part of the name depends on what the expression is.
 */
export function indexNameOf(catalog: Catalog, tree: IndexStmt): string | undefined {
  const elements = [...(tree.indexParams ?? []), ...(tree.indexIncludingParams ?? [])];
  const columns = elements.flatMap((node) => treeOf(node, "IndexElem")?.name ?? []);
  if (columns.length < elements.length) return undefined;
  const key = keyOf(catalog, tree.relation);
  const [schema] = key.split(".", 1);
  return chosenName(tree.relation?.relname ?? "", columns, "idx", (name) =>
    isTaken(catalog, `${schema}.${name}`),
  );
}

/** Whether a relation has the name, as far as the files tell. Takes "schema.name". */
export function isTaken({ tables, indexes, views }: Catalog, key: string): boolean {
  return tables.has(key) || indexes.has(key) || views.has(key);
}
