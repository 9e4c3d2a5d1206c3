import { shown } from "../../catalog/catalog.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";

export const dropPrimaryKey = defineRule({
  id: "drop-primary-key",
  summary: "A primary key is dropped, by which replication and ON CONFLICT find rows.",
  severity: "ask",
  requirements: ["C6", "C15"],
  why: "Updates and deletes of a published table fail without a replica identity, and ON CONFLICT of the running release, too.",
  bad: [
    {
      before: "create publication all_tables for all tables;",
      sql: "alter table users drop constraint users_pkey cascade;",
      effect: { breaks: "update users set visits = 1 where id = 1" },
    },
  ],
  good: [
    {
      before: "create publication all_tables for all tables;",
      sql: "alter table users replica identity using index users_email_key;",
    },
  ],
  check(statement, { catalog, isNew }) {
    return commandsOf(statement, catalog, "AT_DropConstraint").flatMap((dropped) => {
      const { table, known, name } = dropped;
      if (known?.constraints.get(name)?.kind !== "primary" || isNew(table)) return [];
      const isPublished = catalog.published.has("*") || catalog.published.has(table);
      return [
        {
          ...placeOfCommand(dropped),
          ...(isPublished ? { severity: "block" as const } : {}),
          message: isPublished
            ? `${shown(table)} is published: its updates and deletes fail without a replica identity`
            : `ON CONFLICT and foreign keys lose the primary key of ${shown(table)}`,
          hint: "Build the new key first (CREATE UNIQUE INDEX CONCURRENTLY) and set it as the replica identity.",
        },
      ];
    });
  },
  noRewrite:
    "By which key replication and ON CONFLICT find rows from then on has to be decided first: build it with CREATE UNIQUE INDEX CONCURRENTLY, and set it as the replica identity.",
});
