import { shown } from "../../catalog/catalog.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";
import { inContract } from "../../rewrite/in-contract.ts";
import { named, relationNamed } from "../../rewrite/names-in-sql.ts";
import { expressionOf } from "../../rewrite/sql-of.ts";

export const dropDefault = defineRule({
  id: "drop-default",
  summary: "DROP DEFAULT of a column that must not be NULL.",
  severity: "ask",
  requirements: ["C15"],
  why: "A running release that leaves the column to its default can insert no more.",
  bad: [
    {
      sql: "alter table orders alter column status drop default;",
      effect: { breaks: "insert into orders (user_id, total) values (1, 1)" },
    },
  ],
  good: [{ sql: "alter table orders alter column status set default 'paid';" }],
  check(statement, { catalog, file, isNew }) {
    if (file.phase === "contract") return [];
    return commandsOf(statement, catalog, "AT_ColumnDefault").flatMap((altered) => {
      const column = altered.known?.columns.get(altered.name);
      if (altered.tree.def !== undefined || isNew(altered.table) || column?.notNull !== true) return [];
      return [
        {
          ...placeOfCommand(altered),
          message: `a running release that does not name ${shown(altered.table)}.${altered.name} can insert no more`,
          hint: "Keep the default until no release that leaves it out runs, then drop it in the contract phase.",
        },
      ];
    });
  },
  rewrite({ column = "", relation = "" }, statement, context) {
    const initial = context.catalog.tables.get(relation)?.columns.get(column)?.default;
    const place = `alter table ${relationNamed(relation)} alter column ${named(column)}`;
    return inContract(statement, context, {
      suffix: "no-default",
      names: [column],
      ...(initial === undefined ? {} : { down: `${place} set default ${expressionOf(initial)};` }),
    });
  },
});
