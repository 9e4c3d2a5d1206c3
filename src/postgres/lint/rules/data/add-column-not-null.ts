import { shown } from "../../catalog/catalog.ts";
import { commandsOf, inlineConstraint, placeOfCommand } from "../../commands-of.ts";
import { isSerial } from "../../catalog/column-of.ts";
import { defineRule } from "../../define-rule.ts";
import { addColumnWith, constraintsBehind } from "../../rewrite/add-column.ts";
import { literal } from "../../rewrite/literal.ts";
import { named, relationNamed } from "../../rewrite/names-in-sql.ts";
import { moreThanNotNull, requireNotNull } from "../../rewrite/require-not-null.ts";

export const addColumnNotNull = defineRule({
  id: "add-column-not-null",
  summary: "A new column that must not be NULL and has no default.",
  severity: "block",
  requirements: ["C6", "C15"],
  why: "It fails as soon as the table has a row, and the running release, which does not know the column, can insert no more.",
  bad: [
    {
      sql: "alter table users add column code text not null;",
      effect: { error: "23502" },
      meanwhile: "update users set code = 'x';",
    },
  ],
  good: [
    { sql: "alter table users add column code text not null default '';" },
    { sql: "alter table users add column code text;" },
  ],
  check(statement, { catalog, isNew }) {
    return commandsOf(statement, catalog, "AT_AddColumn").flatMap((added) => {
      const { definition, table } = added;
      const has = (kind: Parameters<typeof inlineConstraint>[1]): boolean =>
        inlineConstraint(definition, kind) !== undefined;
      const isFilled =
        has("CONSTR_DEFAULT") ||
        has("CONSTR_IDENTITY") ||
        has("CONSTR_GENERATED") ||
        isSerial(definition?.typeName);
      if (isFilled || isNew(table) || !(has("CONSTR_NOTNULL") || has("CONSTR_PRIMARY"))) return [];
      return [
        {
          ...placeOfCommand(added),
          message: `it fails when ${shown(table)} has a row (23502), and the running release cannot insert any more`,
          hint: "Add it with a default, or without NOT NULL and fill it with a backfill; SET NOT NULL comes last.",
        },
      ];
    });
  },
  rewrite({ column = "", relation = "" }, statement, { catalog }) {
    const [added] = commandsOf(statement, catalog, "AT_AddColumn");
    if (inlineConstraint(added?.definition, "CONSTR_PRIMARY") !== undefined)
      return {
        reason:
          "Only people know the keys of the rows that are there: add the column, fill it, then add the key.",
      };
    if (added?.known?.columns.has(column) === true)
      return { reason: `${shown(relation)} has a column ${column} already.` };
    const more = moreThanNotNull(statement, constraintsBehind(added?.definition));
    if (more !== undefined) return more;
    const [add, ...rest] = requireNotNull(catalog, relation, column, "contract");
    const note = `-- Before this the rows that were there need a value, which only people know: fill ${column} by a db.backfill.`;
    return {
      steps: [
        {
          suffix: "new-column",
          transactional: true,
          sql: addColumnWith(statement, ({ contype }) => contype !== "CONSTR_NOTNULL"),
          // With IF NOT EXISTS it may have been there before.
          ...(added?.tree.missing_ok === true
            ? {}
            : { down: `alter table ${relationNamed(relation)} drop column ${named(column)};` }),
        },
        { ...add!, sql: `${note}\n${add!.sql}` },
        ...rest,
      ],
      ends: `select attnotnull from pg_attribute where attrelid = ${literal(relationNamed(relation))}::regclass and attname = ${literal(column)}`,
    };
  },
});
