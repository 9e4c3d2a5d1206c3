import { shown } from "../../catalog/catalog.ts";
import { commandsOf, inlineConstraint, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";
import { addUsingIndex } from "../../rewrite/add-using-index.ts";

export const addUniqueConstraint = defineRule({
  id: "add-unique-constraint",
  summary: "A primary key or unique constraint that builds its index under an exclusive lock.",
  severity: "block",
  requirements: ["C6"],
  why: "Nobody can read or write the table until the index is built. USING INDEX takes over one that was built concurrently before, in a moment.",
  bad: [
    { sql: "alter table users add constraint users_seen unique (seen_at);", effect: { scans: "users" } },
    { sql: "alter table users add column code text unique;", effect: { scans: "users" } },
    {
      sql: "alter table users add unique nulls not distinct (seen_at, visits) include (name) with (fillfactor = 60) deferrable;",
      effect: { scans: "users" },
    },
    {
      before: "alter table items alter column order_id set not null;",
      sql: "alter table items add primary key (order_id);",
      effect: { scans: "items" },
    },
    {
      sql: "alter table items add constraint items_key primary key (order_id, sku);",
      effect: { scans: "items" },
    },
    {
      sql: "alter table users add column number bigint default 1 constraint users_number unique deferrable;",
      effect: { error: "23505" },
      isLeft: true,
    },
  ],
  good: [
    {
      sql: [
        { outside: "create unique index concurrently users_seen on users (seen_at);" },
        "alter table users add constraint users_seen unique using index users_seen;",
      ],
    },
    { sql: "create table fresh (id bigint); alter table fresh add primary key (id);" },
  ],
  check(statement, { catalog, isLive }) {
    return commandsOf(statement, catalog, "AT_AddConstraint", "AT_AddColumn").flatMap((added) => {
      const { constraint, definition, table } = added;
      const key =
        constraint ??
        inlineConstraint(definition, "CONSTR_UNIQUE") ??
        inlineConstraint(definition, "CONSTR_PRIMARY");
      if (key?.contype !== "CONSTR_UNIQUE" && key?.contype !== "CONSTR_PRIMARY") return [];
      if (key.indexname !== undefined || !isLive(table)) return [];
      const what = key.contype === "CONSTR_PRIMARY" ? "PRIMARY KEY" : "UNIQUE";
      return [
        {
          ...placeOfCommand(added),
          message: `nobody can read or write ${shown(table)} until the index of the ${what} constraint is built`,
          hint: `Build it before with CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … ${what} USING INDEX.`,
        },
      ];
    });
  },
  rewrite: (_finding, statement, context) => addUsingIndex(statement, context),
});
