import { readPlPgSql } from "../../../sql/plpgsql.ts";
import { treeOf } from "../../../sql/tree.ts";
import { defineRule } from "../../define-rule.ts";

export const commitInDo = defineRule({
  id: "commit-in-do",
  summary: "COMMIT or ROLLBACK in a DO block that runs inside a transaction.",
  severity: "block",
  requirements: ["C6"],
  why: "PostgreSQL refuses it (2D000): a batch loop that commits by itself cannot be part of a migration's transaction.",
  bad: [
    {
      sql: `do $$ begin
  loop
    update users set visits = 0 where id in (select id from users where visits <> 0 limit 100);
    exit when not found;
    commit;
  end loop;
end $$;`,
      effect: { error: "2D000" },
    },
  ],
  good: [{ sql: "do $$ begin perform 1; end $$;" }],
  check(statement) {
    if (treeOf(statement.node, "DoStmt") === undefined || statement.transaction === undefined) return [];
    const body = readPlPgSql(statement.text);
    if (body?.transactionControlLine === undefined) return [];
    return [
      {
        message: "COMMIT in a DO block fails inside a transaction (2D000 invalid transaction termination)",
        hint: "Move the rows with a backfill, which commits batch by batch and knows where it stopped.",
      },
    ];
  },
  noRewrite:
    "Which rows the loop changes and when it is done is not told by its text for certain: write the columns and their expressions as a step db.backfill.",
});
