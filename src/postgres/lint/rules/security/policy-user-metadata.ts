import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";

export const policyUserMetadata = defineRule({
  id: "policy-user-metadata",
  summary: "A policy that trusts user_metadata of the token.",
  severity: "block",
  requirements: ["C9"],
  why: "Users write their own user_metadata: with it they make themselves whatever the policy asks for.",
  bad: [
    {
      sql: "create policy admins on items using (current_setting('request.jwt.claims', true)::jsonb -> 'user_metadata' ->> 'role' = 'admin');",
      effect: {
        shows:
          "select exists (select from pg_policy where pg_get_expr(polqual, polrelid) like '%user_metadata%')",
      },
    },
  ],
  good: [
    {
      sql: "create policy admins on items using (current_setting('request.jwt.claims', true)::jsonb -> 'app_metadata' ->> 'role' = 'admin');",
    },
  ],
  check({ node }, { catalog }) {
    const tree = treeOf(node, "CreatePolicyStmt") ?? treeOf(node, "AlterPolicyStmt");
    if (
      tree === undefined ||
      !/user_metadata|raw_user_meta_data/.test(JSON.stringify([tree.qual, tree.with_check]))
    )
      return [];
    const table = keyOf(catalog, tree.table);
    return [
      {
        message: `users can write their own user_metadata: the policy on ${shown(table)} protects nothing`,
        hint: "Use app_metadata, or a table of roles that only the server writes.",
        relation: table,
      },
    ];
  },
  noRewrite:
    "Where the server keeps what users must not write themselves has to be decided: app_metadata, or a table of roles.",
});
