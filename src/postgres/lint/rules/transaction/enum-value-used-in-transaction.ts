import { textsOf, treeOf, walk } from "../../../sql/tree.ts";
import { shown, typeKeyOf } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";

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
  check(statement, { catalog, earlier }) {
    const texts = new Set<string>();
    walk(statement.node, (kind, fields) => {
      const text = kind === "A_Const" ? (fields.sval as { sval?: string } | undefined)?.sval : undefined;
      if (text !== undefined) texts.add(text);
    });
    if (
      treeOf(statement.node, "AlterEnumStmt") !== undefined ||
      treeOf(statement.node, "DoStmt") !== undefined
    )
      return [];
    return earlier.flatMap((before) => {
      const added = treeOf(before.node, "AlterEnumStmt");
      const key = typeKeyOf(catalog, textsOf(added?.typeName));
      // The type's own transaction may use its values.
      const isOld = earlier.every(
        ({ node }) => typeKeyOf(catalog, textsOf(treeOf(node, "CreateEnumStmt")?.typeName)) !== key,
      );
      if (added?.newVal === undefined || added.oldVal !== undefined || !texts.has(added.newVal) || !isOld)
        return [];
      return [
        {
          message: `the value '${added.newVal}' of ${shown(key)} cannot be used in the transaction that adds it (55P04)`,
          hint: "Move ALTER TYPE … ADD VALUE into a file of its own before this one.",
          relation: key,
        },
      ];
    });
  },
});
