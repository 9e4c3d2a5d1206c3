import type { Node } from "libpg-query";
import { rangeOf, textsOf, treeOf } from "../../sql/tree.ts";
import { keyOf, typeKeyOf, type Catalog } from "./catalog.ts";
import { dropTable } from "./change-table.ts";

/** DROP of everything that the catalog knows. */
export function applyDrop(catalog: Catalog, node: Node): void {
  const tree = treeOf(node, "DropStmt");
  for (const object of tree?.objects ?? []) {
    const names = textsOf(treeOf(object, "List")?.items);
    switch (tree?.removeType) {
      case "OBJECT_TABLE":
        dropTable(catalog, keyOf(catalog, rangeOf(names)));
        break;
      case "OBJECT_INDEX":
        catalog.indexes.delete(keyOf(catalog, rangeOf(names)));
        break;
      case "OBJECT_VIEW":
      case "OBJECT_MATVIEW":
        catalog.views.delete(keyOf(catalog, rangeOf(names)));
        break;
      case "OBJECT_SCHEMA":
        dropSchema(catalog, treeOf(object, "String")?.sval ?? "");
        break;
      case "OBJECT_TYPE":
      case "OBJECT_DOMAIN":
        dropType(catalog, textsOf(treeOf(object, "TypeName")?.names));
        break;
      case "OBJECT_FUNCTION":
      case "OBJECT_PROCEDURE":
        catalog.functions.delete(typeKeyOf(catalog, textsOf(treeOf(object, "ObjectWithArgs")?.objname)));
        break;
      case "OBJECT_POLICY":
        tableOfMember(catalog, names)?.policies.delete(names.at(-1) ?? "");
        break;
      case "OBJECT_TRIGGER":
        tableOfMember(catalog, names)?.triggers.delete(names.at(-1) ?? "");
        break;
      default:
    }
  }
}

/** A policy or trigger is written as the table's name followed by its own. */
function tableOfMember(catalog: Catalog, names: readonly string[]) {
  return catalog.tables.get(keyOf(catalog, rangeOf(names.slice(0, -1))));
}

function dropType(catalog: Catalog, names: readonly string[]): void {
  const key = typeKeyOf(catalog, names);
  catalog.enums.delete(key);
  catalog.domains.delete(key);
}

function dropSchema(catalog: Catalog, name: string): void {
  catalog.schemas.delete(name);
  for (const { key, schema } of catalog.tables.values()) if (schema === name) dropTable(catalog, key);
}
