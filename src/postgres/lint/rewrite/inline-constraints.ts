import type { Node } from "libpg-query";
import { treeOf, type TreeOf } from "../../sql/tree.ts";

type Definition = TreeOf<"ColumnDef">;

/** Whether DEFERRABLE or the like stands behind a constraint of the column: in the tree it is an entry of its own. */
export function hasAttribute(definition: Definition | undefined): boolean {
  return (definition?.constraints ?? []).some(
    (each) => treeOf(each, "Constraint")?.contype?.startsWith("CONSTR_ATTR") === true,
  );
}

/** The column without some of what stands behind it. */
export function withoutConstraint(definition: Definition, without: readonly Node[]): Definition {
  const { constraints = [], ...rest } = definition;
  const kept = constraints.filter((each) => !without.includes(each));
  return kept.length === 0 ? rest : { ...rest, constraints: kept };
}
