import { textsOf, treeOf, walk } from "../../../sql/tree.ts";
import { quotedName } from "../../../sql/names.ts";
import { keyOf, shown, typeKeyOf, type Catalog } from "../../catalog/catalog.ts";
import { defineRule, type LintContext, type LintStatement } from "../../define-rule.ts";
import { literal } from "../../rewrite/literal.ts";
import { ownFile } from "../../rewrite/own-file.ts";

export const enumValueUsedInTransaction = defineRule({
  id: "enum-value-used-in-transaction",
  summary: "A new enum value that is used in the transaction that adds it.",
  severity: "block",
  requirements: ["C6"],
  why: "PostgreSQL refuses it (55P04): a new value can be used only after the transaction that added it.",
  bad: [
    {
      sql: "alter type order_status add value 'returned'; update orders set status = 'returned' where id = 1;",
      effect: { error: "55P04" },
    },
  ],
  good: [
    {
      sql: [
        "alter type order_status add value 'returned';",
        "update orders set status = 'returned' where id = 1;",
      ],
    },
  ],
  check(statement, context) {
    return addedJustNow(statement, context).map(({ key, value }) => ({
      message: `the value '${value}' of ${shown(key)} cannot be used in the transaction that adds it (55P04)`,
      hint: "Move ALTER TYPE … ADD VALUE into a file of its own before this one.",
      relation: key,
    }));
  },
  rewrite(_finding, statement, context) {
    const [added] = addedJustNow(statement, context);
    if (added === undefined) return { reason: "The value cannot be told from the statement." };
    const { key, value } = added;
    const [schema = "public", name = ""] = key.split(/\.(.*)/s);
    const type = literal(quotedName({ schema, name }));
    return {
      ...ownFile(statement, "use-value"),
      ends: `select exists (select from pg_enum where enumtypid = ${type}::regtype and enumlabel = ${literal(value)})`,
      otherValues: changedColumns(statement, context.catalog),
    };
  },
});

/** Values of enums that the statement writes and an earlier one of its transaction adds. */
function addedJustNow(
  { node }: LintStatement,
  { catalog, earlier }: LintContext,
): { key: string; value: string }[] {
  if (treeOf(node, "AlterEnumStmt") !== undefined || treeOf(node, "DoStmt") !== undefined) return [];
  const adding = earlier.filter((before) => treeOf(before.node, "AlterEnumStmt")?.newVal !== undefined);
  if (adding.length === 0) return [];
  const texts = new Set<string>();
  walk(node, (kind, fields) => {
    const text = kind === "A_Const" ? (fields.sval as { sval?: string } | undefined)?.sval : undefined;
    if (text !== undefined) texts.add(text);
  });
  return adding.flatMap((before) => {
    const added = treeOf(before.node, "AlterEnumStmt");
    const key = typeKeyOf(catalog, textsOf(added?.typeName));
    // The type's own transaction may use its values.
    const isOld = earlier.every(
      (other) => typeKeyOf(catalog, textsOf(treeOf(other.node, "CreateEnumStmt")?.typeName)) !== key,
    );
    const value = added?.newVal;
    if (value === undefined || added?.oldVal !== undefined || !texts.has(value) || !isOld) return [];
    return [{ key, value }];
  });
}

/** Columns that an UPDATE writes: as it was written it is refused, so that they stay what they were. */
function changedColumns({ node }: LintStatement, catalog: Catalog): string[] {
  const update = treeOf(node, "UpdateStmt");
  return (update?.targetList ?? []).map(
    (each) => `${keyOf(catalog, update?.relation)}.${treeOf(each, "ResTarget")?.name ?? ""}`,
  );
}
