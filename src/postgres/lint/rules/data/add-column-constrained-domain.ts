import { textsOf } from "../../../sql/tree.ts";
import { shown, typeKeyOf } from "../../catalog/catalog.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";

export const addColumnConstrainedDomain = defineRule({
  id: "add-column-constrained-domain",
  summary: "A new column of a domain that has a constraint: PostgreSQL writes the whole table again.",
  severity: "block",
  requirements: ["C6"],
  why: "Nobody can read or write the table until all of its rows are written again.",
  bad: [{ sql: "alter table users add column done percent default 0;", effect: { rewrites: "users" } }],
  good: [
    {
      sql: "alter table users add column done integer default 0; alter table users add constraint done_percent check (done between 0 and 100) not valid;",
    },
  ],
  noRewrite:
    "PostgreSQL writes the table again whenever a column gets a domain that has a constraint: decide whether the domain's base type and a CHECK, added NOT VALID and validated in the next file, say the same here.",
  check(statement, { catalog, isLive }) {
    return commandsOf(statement, catalog, "AT_AddColumn").flatMap((added) => {
      const domain = catalog.domains.get(typeKeyOf(catalog, textsOf(added.definition?.typeName?.names)));
      if (domain?.hasConstraint !== true || !isLive(added.table)) return [];
      return [
        {
          ...placeOfCommand(added),
          message: `the domain ${shown(domain.key)} has a constraint: all rows of ${shown(added.table)} are written again while nobody can read them`,
          hint: "Use the domain's base type and add the check with NOT VALID.",
        },
      ];
    });
  },
});
