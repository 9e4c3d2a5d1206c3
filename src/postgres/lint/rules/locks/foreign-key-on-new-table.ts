import { shown } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";
import { foreignKeysMade } from "../../facts/foreign-keys-made.ts";

export const foreignKeyOnNewTable = defineRule({
  id: "foreign-key-on-new-table",
  summary:
    "A foreign key of a new table or column that points to a table in use, which it locks for a moment.",
  severity: "note",
  requirements: ["C6"],
  why: "The other table takes no writes until the transaction ends. That is a moment, unless the transaction goes on with something slow.",
  bad: [
    {
      sql: "create table notes (id bigint, user_id bigint references users (id));",
      effect: { lock: "ShareRowExclusiveLock", on: "users" },
    },
    {
      sql: "create table notes (id bigint, user_id bigint); alter table notes add foreign key (user_id) references users (id);",
      effect: { lock: "ShareRowExclusiveLock", on: "users" },
    },
    {
      sql: "alter table items add column user_id bigint references users (id);",
      effect: { lock: "ShareRowExclusiveLock", on: "users" },
    },
  ],
  good: [{ sql: "create table notes (id bigint, user_id bigint);" }],
  check(statement, { catalog, isLive, isNew }) {
    const parents = foreignKeysMade(statement, catalog)
      .filter((key) => key.with !== "constraint" || isNew(key.table))
      .filter(({ table, parent }) => isLive(parent) && parent !== table)
      .map(({ parent }) => parent);
    return [...new Set(parents)].map((parent) => ({
      message: `${shown(parent)} takes no writes from here to the end of the transaction`,
      hint: "Keep the rest of the file short; put what takes long into a file of its own.",
      relation: parent,
    }));
  },
});
