import { textsOf, treeOf } from "../../../sql/tree.ts";
import { typeKeyOf } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";

export const enumValuePosition = defineRule({
  id: "enum-value-position",
  summary: "A new enum value without BEFORE or AFTER.",
  severity: "note",
  style: true,
  requirements: ["C6"],
  why: "It sorts last, whatever its meaning, and a value cannot be moved later.",
  bad: [
    {
      sql: ["alter type order_status add value 'draft';"],
      effect: {
        shows:
          "select (array_agg(enumlabel order by enumsortorder desc))[1] = 'draft' from pg_enum where enumtypid = 'order_status'::regtype",
      },
    },
  ],
  good: [{ sql: ["alter type order_status add value 'draft' before 'new';"] }],
  check({ node }, { catalog }) {
    const tree = treeOf(node, "AlterEnumStmt");
    if (tree?.newVal === undefined || tree.oldVal !== undefined || tree.newValNeighbor !== undefined)
      return [];
    return [
      {
        message: `'${tree.newVal}' sorts last`,
        hint: "Say where: ADD VALUE … BEFORE or AFTER another one.",
        relation: typeKeyOf(catalog, textsOf(tree.typeName)),
      },
    ];
  },
});
