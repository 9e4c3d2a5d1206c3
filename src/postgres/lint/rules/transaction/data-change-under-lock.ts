import { treeOf } from "../../../sql/tree.ts";
import { shown } from "../../catalog/catalog.ts";
import { asBackfill } from "../../rewrite/as-backfill.ts";
import { defineRule, type LintStatement } from "../../define-rule.ts";
import { exclusivelyLocked, writersLocked } from "../../facts/exclusive-locks.ts";

export const dataChangeUnderLock = defineRule({
  id: "data-change-under-lock",
  summary: "Rows are changed in a transaction that already locks a table in use against its writers.",
  severity: "block",
  requirements: ["C6"],
  why: "The lock of ALTER TABLE, of a new foreign key or of a trigger is held until the end: nobody can write the table, and most often not read it, while the rows are changed.",
  bad: [
    {
      sql: "alter table users add column level integer; update users set level = visits / 10 where visits > 5;",
      effect: { scans: "users" },
    },
    {
      sql: "alter table users add column level integer; update users set visits = visits + 1 where visits > 0;",
      effect: { scans: "users" },
    },
    {
      sql: "create table notes (user_id bigint references users (id)); insert into notes select id from users;",
      effect: { scans: "users" },
    },
  ],
  good: [
    {
      sql: [
        "create table notes (user_id bigint references users (id));",
        "insert into notes select id from users where visits > 5;",
      ],
    },
    { sql: "create table levels (id bigint); insert into levels select 1;" },
    { sql: "insert into items values (1, 'x', 1); alter table items add column note text;" },
  ],
  check(statement, { catalog, earlier, isLive }) {
    if (!changesManyRows(statement)) return [];
    const exclusive = earlier.flatMap((before) => exclusivelyLocked(before, catalog)).find(isLive);
    const held = exclusive ?? earlier.flatMap((before) => writersLocked(before, catalog)).find(isLive);
    if (held === undefined) return [];
    return [
      {
        message: `nobody can ${exclusive === undefined ? "write" : "read or write"} ${shown(held)} while these rows are changed: its lock is held until the end`,
        hint: "Put the change of the schema and the change of the rows into files of their own; move many rows with a backfill.",
        relation: held,
      },
    ];
  },
  rewrite(_, statement, context) {
    const update = treeOf(statement.node, "UpdateStmt");
    const step = update === undefined ? undefined : asBackfill(update, statement, context);
    if (step !== undefined && "backfill" in step) return { steps: [step] };
    return { steps: [{ suffix: "rows", transactional: true, sql: `${statement.text};` }] };
  },
});

function changesManyRows({ node }: LintStatement): boolean {
  const insert = treeOf(node, "InsertStmt");
  const rows = treeOf(insert?.selectStmt, "SelectStmt");
  return (
    treeOf(node, "UpdateStmt") !== undefined ||
    treeOf(node, "DeleteStmt") !== undefined ||
    (rows !== undefined && rows.valuesLists === undefined && rows.fromClause !== undefined)
  );
}
