import type { Node } from "libpg-query";
import { treeOf } from "../../sql/tree.ts";

/**
 * A copy of a tree in which every column that it names has another name; `qualify` puts one before it, as in
 * new.email, instead of the table's own. Columns of the table alone: the tree may hold no subselect.
 */
export function replaceColumns<Tree>(tree: Tree, rename: (name: string) => string, qualify?: string): Tree {
  const copy = structuredClone(tree);
  visit(copy, (node) => {
    const reference = treeOf(node as Node, "ColumnRef");
    if (reference !== undefined) {
      const last = reference.fields?.at(-1);
      const name = treeOf(last, "String")?.sval;
      if (name !== undefined)
        reference.fields = [
          ...(qualify === undefined ? [] : [{ String: { sval: qualify } }]),
          { String: { sval: rename(name) } },
        ];
    }
    const element = treeOf(node as Node, "IndexElem");
    if (element?.name !== undefined) element.name = rename(element.name);
  });
  return copy;
}

/** The same for a list of names: the columns of a key. */
export function replaceNames(names: readonly Node[] | undefined, rename: (name: string) => string): Node[] {
  return (names ?? []).map((node) => {
    const name = treeOf(node, "String")?.sval;
    return name === undefined ? node : { String: { sval: rename(name) } };
  });
}

function visit(value: unknown, see: (node: object) => void): void {
  if (Array.isArray(value)) for (const item of value) visit(item, see);
  else if (typeof value === "object" && value !== null) {
    see(value);
    for (const inner of Object.values(value)) visit(inner, see);
  }
}
