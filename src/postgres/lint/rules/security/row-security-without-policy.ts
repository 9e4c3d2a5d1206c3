import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";

export const rowSecurityWithoutPolicy = defineRule({
  id: "row-security-without-policy",
  summary: "Row level security is switched on for a table that has no policy.",
  severity: "ask",
  requirements: ["C9", "C15"],
  why: "Every role but the owner sees no row from that moment on. For a table in use that may be what nobody meant.",
  bad: [
    {
      sql: "alter table orders enable row level security;",
      effect: {
        shows:
          "select relrowsecurity and not exists (select from pg_policy where polrelid = c.oid) from pg_class c where oid = 'orders'::regclass",
      },
    },
  ],
  good: [
    {
      sql: "alter table orders enable row level security; create policy own on orders for select using (total > 0);",
    },
  ],
  check(statement, { catalog, isNew, statements }) {
    return commandsOf(statement, catalog, "AT_EnableRowSecurity").flatMap((command) => {
      const { table, known } = command;
      const isGiven = statements.some(({ node }) => {
        const policy = treeOf(node, "CreatePolicyStmt");
        return policy !== undefined && keyOf(catalog, policy.table) === table;
      });
      if (isGiven || (known?.policies.size ?? 0) > 0) return [];
      return [
        {
          ...placeOfCommand(command),
          ...(isNew(table) ? { severity: "note" as const } : {}),
          message: `without a policy every role but the owner sees no row of ${shown(table)}`,
          hint: "Write its policies in the same file.",
        },
      ];
    });
  },
  noRewrite: "Who may see which rows has to be decided: write the policies in the same file.",
});
