import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { commandsOf } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";

export const policyWithoutRowSecurity = defineRule({
  id: "policy-without-row-security",
  summary: "A policy on a table whose row level security is off.",
  severity: "block",
  requirements: ["C6", "C9"],
  why: "The policy looks like protection and does nothing.",
  bad: [
    {
      sql: "create policy own on orders for select using (total > 0);",
      effect: {
        shows:
          "select exists (select from pg_policy p join pg_class c on c.oid = p.polrelid where not c.relrowsecurity)",
      },
    },
  ],
  good: [
    {
      sql: "alter table orders enable row level security; create policy own on orders for select using (total > 0);",
    },
  ],
  check({ node }, { catalog, statements }) {
    const tree = treeOf(node, "CreatePolicyStmt");
    const key = keyOf(catalog, tree?.table);
    const table = catalog.tables.get(key);
    const isEnabled = statements.some((other) =>
      commandsOf(other, catalog, "AT_EnableRowSecurity").some((command) => command.table === key),
    );
    if (tree === undefined || table === undefined || table.hasRowSecurity || isEnabled) return [];
    return [
      {
        message: `row level security of ${shown(key)} is off: the policy ${tree.policy_name ?? ""} does nothing`,
        hint: `ALTER TABLE ${shown(key)} ENABLE ROW LEVEL SECURITY;`,
        relation: key,
      },
    ];
  },
  noRewrite:
    "Switching it on hides every row that no policy shows from the running release: decide whether all policies of the table are written.",
});
