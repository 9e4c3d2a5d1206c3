import { shown } from "../../catalog/catalog.ts";
import { typeOf } from "../../catalog/column-of.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";
import { named, relationNamed } from "../../rewrite/names-in-sql.ts";
import { sqlOf } from "../../rewrite/sql-of.ts";
import { treeOf } from "../../../sql/tree.ts";

export const jsonColumn = defineRule({
  id: "json-column",
  summary: "A column of type json on a table in use.",
  severity: "ask",
  requirements: ["C6", "C15"],
  why: "json has no equality: SELECT DISTINCT, UNION and GROUP BY over the table's rows, which worked, fail.",
  bad: [
    { sql: "alter table users add column meta json;", effect: { breaks: "select distinct * from users" } },
  ],
  good: [{ sql: "alter table users add column meta jsonb;" }],
  check(statement, { catalog, isNew }) {
    return commandsOf(statement, catalog, "AT_AddColumn").flatMap((added) => {
      if (typeOf(added.definition?.typeName).name !== "json" || isNew(added.table)) return [];
      return [
        {
          ...placeOfCommand(added),
          message: `SELECT DISTINCT and UNION over ${shown(added.table)} fail: json has no equality`,
          hint: "Use jsonb.",
        },
      ];
    });
  },
  rewrite({ column = "", relation = "" }, { node }) {
    const changed = structuredClone(node);
    const command = treeOf(treeOf(changed, "AlterTableStmt")?.cmds?.[0], "AlterTableCmd");
    const type = treeOf(command?.def, "ColumnDef")?.typeName;
    if (type !== undefined) type.names = [{ String: { sval: "jsonb" } }];
    const because = "It is jsonb: the keys of an object are sorted, and of equal keys the last one stays.";
    return {
      steps: [{ suffix: "jsonb", transactional: true, sql: sqlOf(changed) }],
      differs: [{ object: `column ${relationNamed(relation)}.${named(column)}`, because }],
    };
  },
});
