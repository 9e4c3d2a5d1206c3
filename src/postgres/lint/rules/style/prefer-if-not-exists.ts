import { treeOf } from "../../../sql/tree.ts";
import { commandsOf } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";

export const preferIfNotExists = defineRule({
  id: "prefer-if-not-exists",
  summary: "A statement that fails when it is run twice.",
  severity: "note",
  style: true,
  requirements: ["C6"],
  why: "For runners that do not keep a migration and its ledger row together. Here they are kept together, and IF NOT EXISTS hides that something else is there.",
  bad: [
    { sql: "create table notes (id bigint); create table notes (id bigint);", effect: { error: "42P07" } },
  ],
  good: [
    { sql: "create table if not exists notes (id bigint); alter table notes enable row level security;" },
  ],
  check(statement, { catalog }) {
    const { node } = statement;
    const index = treeOf(node, "IndexStmt");
    const created = treeOf(node, "CreateStmt");
    const isBare =
      (created !== undefined && created.if_not_exists !== true) ||
      (index !== undefined && index.concurrent !== true && index.if_not_exists !== true) ||
      commandsOf(statement, catalog, "AT_AddColumn").some(({ tree }) => tree.missing_ok !== true);
    return isBare ? [{ message: "it fails when it is run twice", hint: "Write IF NOT EXISTS." }] : [];
  },
});
