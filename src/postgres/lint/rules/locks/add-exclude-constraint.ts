import { shown } from "../../catalog/catalog.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";

export const addExcludeConstraint = defineRule({
  id: "add-exclude-constraint",
  summary: "An exclusion constraint on a table that is in use: there is no way to build it without a lock.",
  severity: "ask",
  requirements: ["C6"],
  why: "Nobody can read or write the table until its index is built and every row is compared. PostgreSQL has no concurrent form.",
  bad: [
    {
      sql: "alter table users add constraint users_seen_once exclude using btree (seen_at with =);",
      effect: { scans: "users" },
    },
  ],
  good: [{ sql: "create table fresh (at timestamptz, exclude using btree (at with =));" }],
  check(statement, { catalog, isLive }) {
    return commandsOf(statement, catalog, "AT_AddConstraint").flatMap((added) => {
      if (added.constraint?.contype !== "CONSTR_EXCLUSION" || !isLive(added.table)) return [];
      return [
        {
          ...placeOfCommand(added),
          message: `nobody can read or write ${shown(added.table)} until the exclusion constraint is built`,
          hint: "Rehearse it on a copy of the data to know how long that is, and run it when few people are there.",
        },
      ];
    });
  },
  noRewrite:
    "PostgreSQL has no concurrent form and no NOT VALID for it: decide when few people are there, or, where it only compares with =, whether a unique index does.",
});
