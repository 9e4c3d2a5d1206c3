import { shown } from "../../catalog/catalog.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";

export const rowSecurityOff = defineRule({
  id: "row-security-off",
  summary: "DISABLE ROW LEVEL SECURITY.",
  severity: "block",
  requirements: ["C6", "C9"],
  why: "From that moment on every role with a grant reads and writes every row.",
  bad: [
    {
      sql: "alter table items disable row level security;",
      effect: { shows: "select not relrowsecurity from pg_class where oid = 'items'::regclass" },
    },
  ],
  good: [{ sql: "alter table items force row level security;" }],
  check(statement, { catalog, isNew }) {
    return commandsOf(statement, catalog, "AT_DisableRowSecurity")
      .filter(({ table }) => !isNew(table))
      .map((command) => ({
        ...placeOfCommand(command),
        message: `every role with a grant on ${shown(command.table)} reads and writes all of its rows`,
        hint: "Keep it on and write a policy for who needs more.",
      }));
  },
  noRewrite:
    "Who needs more than the policies give is not in the file: keep it on, and write a policy for them.",
});
