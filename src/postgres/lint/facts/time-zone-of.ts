import { treeOf } from "../../sql/tree.ts";
import type { LintContext } from "../define-rule.ts";

/** The time zone that the transaction sets before the statement: "UTC", "Europe/Berlin". */
export function timeZoneOf({ earlier }: Pick<LintContext, "earlier">): string | undefined {
  const zones = earlier.flatMap(({ node }) => {
    const set = treeOf(node, "VariableSetStmt");
    return set?.name?.toLowerCase() === "timezone" ? [treeOf(set.args?.[0], "A_Const")?.sval?.sval] : [];
  });
  return zones.at(-1);
}
