import type { Node } from "libpg-query";
import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";

export const policyAlwaysTrue = defineRule({
  id: "policy-always-true",
  summary: "A policy that lets its roles read or write every row.",
  severity: "ask",
  requirements: ["C9"],
  why: "USING (true) is row level security in name only. For tables that everybody may read it is right; for writing it hardly ever is. An INSERT policy without WITH CHECK lets everything in.",
  bad: [
    {
      sql: "create policy anybody on items for all using (true);",
      effect: {
        shows:
          "select exists (select from pg_policy where pg_get_expr(polqual, polrelid) = 'true' and polcmd = '*')",
      },
    },
  ],
  good: [
    { sql: "create policy in_stock on items for update using (quantity > 0) with check (quantity > 0);" },
  ],
  check({ node }, { catalog }) {
    const tree = treeOf(node, "CreatePolicyStmt");
    if (tree === undefined || tree.permissive !== true) return [];
    const table = keyOf(catalog, tree.table);
    const command = tree.cmd_name ?? "all";
    // A role of the server alone may well see everything.
    const roles = (tree.roles ?? []).map((each) => treeOf(each, "RoleSpec")?.rolename ?? "public");
    if (roles.length > 0 && roles.every((role) => role === "service_role" || role === "postgres")) return [];
    const isOpen =
      isTrue(tree.qual) || isTrue(tree.with_check) || (command === "insert" && tree.with_check === undefined);
    if (!isOpen) return [];
    const isWriting = command !== "select";
    return [
      {
        severity: isWriting ? ("ask" as const) : ("note" as const),
        message: `${roles.join(", ")} may ${isWriting ? "write" : "read"} every row of ${shown(table)}`,
        hint: "Say whose rows: USING (owner_id = (select auth.uid())) or what your application has for it.",
        relation: table,
      },
    ];
  },
  noRewrite: "Whose rows they are is not in the file: decide who may see or write which.",
});

function isTrue(expression: Node | undefined): boolean {
  return treeOf(expression, "A_Const")?.boolval?.boolval === true;
}
