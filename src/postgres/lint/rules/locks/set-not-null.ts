import { shown } from "../../catalog/catalog.ts";
import { commandsOf, placeOfCommand, type AlterCommand } from "../../commands-of.ts";
import type { Table } from "../../catalog/catalog.ts";
import { defineRule, type FileReplacement } from "../../define-rule.ts";
import { chosenName } from "../../rewrite/chosen-name.ts";
import { named, relationNamed } from "../../rewrite/names-in-sql.ts";
import { moreThanNotNull, requireNotNull } from "../../rewrite/require-not-null.ts";
import { textsOf } from "../../../sql/tree.ts";
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
    {
      sql: "alter table users add constraint visits_set not null visits;",
      effect: { scans: "users" },
    },
    {
      before: `create schema "Shop"; create table "Shop"."Order" (id bigint, "user" text);`,
      sql: `alter table "Shop"."Order" alter column "user" set not null;`,
      effect: { unseen: "the table is empty; the names are what is tried" },
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
  rewrite({ column = "", relation = "" }, statement, { catalog }) {
    const [command] = commandsOf(statement, catalog);
    const more = moreThanNotNull(statement);
    if (more !== undefined) return more;
    if (command?.subtype === "AT_AddConstraint") return { steps: addNotNull(command) };
    const check = checkToValidate(command?.known, column);
    if (check === undefined) return { steps: requireNotNull(catalog, relation, column) };
    const at = `alter table ${relationNamed(relation)}`;
    return {
      steps: [
        { suffix: "validate", transactional: true, sql: `${at} validate constraint ${named(check)};` },
        {
          suffix: "not-null",
          transactional: true,
          sql: `${at} alter column ${named(column)} set not null;`,
          down: `${at} alter column ${named(column)} drop not null;`,
        },
      ],
      differs: [
        { object: `constraint ${relationNamed(relation)}.${named(check)}`, because: "It is validated, too." },
      ],
    };
  },
});

/** A check that says it already and was not validated yet. */
function checkToValidate(table: Table | undefined, column: string): string | undefined {
  const proofs = [...(table?.constraints.values() ?? [])].filter(({ kind }) => kind === "check");
  return proofs.find((check) => {
    const constraints = new Map([[check.name, { ...check, isValid: true }]]);
    return provesNotNull({ ...table!, constraints }, column);
  })?.name;
}

/** ADD CONSTRAINT … NOT NULL, of PostgreSQL 18. */
function addNotNull({ table, constraint }: AlterCommand): FileReplacement[] {
  const [column = ""] = textsOf(constraint?.keys);
  const name = constraint?.conname ?? chosenName(table.slice(table.indexOf(".") + 1), [column], "not_null");
  const at = `alter table ${relationNamed(table)}`;
  const drop = `${at} drop constraint ${named(name)};`;
  const isInherited = constraint?.is_no_inherit === true ? " no inherit" : "";
  const add = `${at} add constraint ${named(name)} not null ${named(column)}${isInherited} not valid;`;
  return [
    { suffix: "not-null", transactional: true, sql: add, down: drop },
    {
      suffix: "validate",
      transactional: true,
      sql: `${at} validate constraint ${named(name)};`,
      down: `${drop}\n${add}`,
    },
  ];
}
