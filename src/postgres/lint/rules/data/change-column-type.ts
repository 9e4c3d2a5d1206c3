import { shown } from "../../catalog/catalog.ts";
import { typeOf } from "../../catalog/column-of.ts";
import { commandsOf, placeOfCommand, type AlterCommand } from "../../commands-of.ts";
import { defineRule, type LintContext } from "../../define-rule.ts";
import { changeOfType } from "../../facts/change-of-type.ts";
import { treeOf } from "../../../sql/tree.ts";

export const changeColumnType = defineRule({
  id: "change-column-type",
  summary: "A change of a column's type that writes the whole table and its indexes again.",
  severity: "block",
  requirements: ["C6", "C15"],
  why: "Nobody can read or write the table until all of its rows are written again. Widening a varchar, varchar to text and more digits of a numeric change no row and are not found.",
  bad: [
    { sql: "alter table users alter column visits type bigint;", effect: { rewrites: "users" } },
    {
      sql: "set local timezone to 'Europe/Berlin'; alter table users alter column seen_at type timestamptz;",
      effect: { rewrites: "users" },
    },
    {
      sql: "alter table users alter column name type text using upper(name);",
      effect: { rewrites: "users" },
    },
  ],
  good: [
    { sql: "alter table users alter column bio type varchar(100);" },
    { sql: "alter table users alter column bio type text;" },
    { sql: "alter table users alter column balance type numeric(14, 2);" },
    { sql: "set local timezone to 'UTC'; alter table users alter column seen_at type timestamptz;" },
    { sql: "alter table users alter column bio type text using bio::text;" },
  ],
  check(statement, context) {
    const { catalog, isLive } = context;
    return commandsOf(statement, catalog, "AT_AlterColumnType").flatMap((altered) => {
      const { known, name, definition, table } = altered;
      const from = known?.columns.get(name)?.type;
      if (!isLive(table)) return [];
      const hint =
        "Add a column of the new type, keep it in step with a trigger, fill it with a backfill, and drop the old one after sign-off.";
      if (from === undefined) {
        const message = `the type of ${name} before is not known: most changes write all rows of ${shown(table)} again`;
        return [{ ...placeOfCommand(altered), message, hint, severity: "ask" as const }];
      }
      const change = changeOfType(from, typeOf(definition?.typeName), definition?.raw_default, name);
      if (change === "metadata" || change === "narrowing") return [];
      if (change === "metadata-at-utc")
        return isUtc(context) ? [] : [{ ...placeOfCommand(altered), ...byTimeZone(altered) }];
      const message = `all rows of ${shown(table)} are written again while nobody can read them`;
      return [{ ...placeOfCommand(altered), message, hint }];
    });
  },
});

/** Whether the transaction says which time zone it means. */
function isUtc({ earlier }: LintContext): boolean {
  const zones = earlier.flatMap(({ node }) => {
    const set = treeOf(node, "VariableSetStmt");
    return set?.name?.toLowerCase() === "timezone"
      ? [treeOf(set.args?.[0], "A_Const")?.sval?.sval ?? ""]
      : [];
  });
  return /^(utc|gmt|etc\/utc)$/i.test(zones.at(-1) ?? "");
}

function byTimeZone({ table }: AlterCommand) {
  return {
    severity: "ask" as const,
    message: `unless the session's time zone is UTC all rows of ${shown(table)} are written again while nobody can read them`,
    hint: "Write SET LOCAL timezone TO 'UTC'; before it, if the stored times are meant as UTC.",
  };
}
