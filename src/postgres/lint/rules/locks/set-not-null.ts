import { shown } from "../../catalog/catalog.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";
import { provesNotNull } from "../../facts/proves-not-null.ts";

export const setNotNull = defineRule({
  id: "set-not-null",
  summary:
    "SET NOT NULL without a validated check that proves it: every row is read under an exclusive lock.",
  severity: "block",
  requirements: ["C6"],
  why: "Nobody can read or write the table until every row is read. With a valid CHECK (… IS NOT NULL), PostgreSQL reads none. It also fails when one row has NULL.",
  bad: [
    { sql: "alter table users alter column visits set not null;", effect: { scans: "users" } },
    {
      before: "alter table users add constraint visits_set check (visits is not null) not valid;",
      sql: "alter table users alter column visits set not null;",
      effect: { scans: "users" },
    },
  ],
  good: [
    {
      sql: [
        "alter table users add constraint visits_set check (visits is not null) not valid;",
        "alter table users validate constraint visits_set;",
        "alter table users alter column visits set not null; alter table users drop constraint visits_set;",
      ],
    },
    {
      sql: [
        "alter table users add constraint visits_set not null visits not valid;",
        "alter table users validate constraint visits_set;",
      ],
    },
    { sql: "alter table users alter column email set not null;" },
  ],
  check(statement, { catalog, isLive }) {
    return commandsOf(statement, catalog, "AT_SetNotNull", "AT_AddConstraint").flatMap((set) => {
      const { table, known, constraint } = set;
      if (set.subtype === "AT_AddConstraint") {
        if (constraint?.contype !== "CONSTR_NOTNULL" || constraint.skip_validation === true) return [];
      }
      const isSet = known?.columns.get(set.name)?.notNull === true;
      if (!isLive(table) || isSet || provesNotNull(known, set.name)) return [];
      return [
        {
          ...placeOfCommand(set),
          message: `nobody can read or write ${shown(table)} until every row is read, and one NULL ends it with an error`,
          hint: `Add CHECK (${set.name || "column"} IS NOT NULL) NOT VALID, VALIDATE it in the next file, then SET NOT NULL.`,
        },
      ];
    });
  },
});
