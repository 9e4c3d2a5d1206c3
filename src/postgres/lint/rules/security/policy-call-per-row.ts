import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";

export const policyCallPerRow = defineRule({
  id: "policy-call-per-row",
  summary: "A policy that calls auth.uid() or current_setting() for every row.",
  severity: "note",
  requirements: ["C9"],
  why: "Inside (select …) PostgreSQL asks once for the query; without it, once for every row that it reads.",
  bad: [
    {
      sql: "create policy own on items for select using (sku = current_setting('app.user', true));",
      effect: {
        shows:
          "select exists (select from pg_policy where pg_get_expr(polqual, polrelid) ~ '^\\(sku = current_setting')",
      },
    },
  ],
  good: [
    {
      sql: "create policy own on items for select using (sku = (select current_setting('app.user', true)));",
    },
  ],
  check({ node }, { catalog }) {
    const tree = treeOf(node, "CreatePolicyStmt") ?? treeOf(node, "AlterPolicyStmt");
    if (tree === undefined) return [];
    const call = callOutsideSelect([tree.qual, tree.with_check]);
    if (call === undefined) return [];
    const table = keyOf(catalog, tree.table);
    return [
      {
        message: `${call}() is called for every row of ${shown(table)} that is read`,
        hint: `Write (select ${call}(…)).`,
        relation: table,
      },
    ];
  },
});

/** Name of a call that no sub-select surrounds. */
function callOutsideSelect(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "SubLink") continue;
    if (key === "FuncCall") {
      const names = JSON.stringify((inner as { funcname?: unknown }).funcname);
      const found = /"auth"\}\},\{"String":\{"sval":"(uid|jwt|role|email)"|"sval":"(current_setting)"/.exec(
        names,
      );
      if (found !== null) return found[1] === undefined ? "current_setting" : `auth.${found[1]}`;
    }
    const deeper = callOutsideSelect(inner);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}
