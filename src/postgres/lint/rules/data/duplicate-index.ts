import { treeOf } from "../../../sql/tree.ts";
import { indexesOf, keyOf, shown } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";

export const duplicateIndex = defineRule({
  id: "duplicate-index",
  summary: "An index over the same columns as one that is there.",
  severity: "note",
  requirements: ["C6"],
  why: "Every write keeps both up to date, and no query wins anything.",
  bad: [
    {
      sql: { outside: "create index concurrently users_by_name on users (name);" },
      effect: {
        shows:
          "select count(*) = 2 from pg_index where indrelid = 'users'::regclass and pg_get_indexdef(indexrelid) like '%(name)'",
      },
    },
  ],
  good: [{ sql: { outside: "create index concurrently users_by_name on users (name, id);" } }],
  check({ node }, { catalog }) {
    const tree = treeOf(node, "IndexStmt");
    if (tree === undefined || tree.whereClause !== undefined || tree.unique === true) return [];
    const table = keyOf(catalog, tree.relation);
    const elements = (tree.indexParams ?? []).map((each) => treeOf(each, "IndexElem"));
    const columns = elements.map((element) => element?.name);
    const isPlain = elements.every(
      (element) =>
        element?.name !== undefined &&
        (element.ordering ?? "SORTBY_DEFAULT") === "SORTBY_DEFAULT" &&
        element.opclass === undefined,
    );
    const same = indexesOf(catalog, table).find(
      (index) =>
        !index.isPartial &&
        index.method === (tree.accessMethod ?? "btree") &&
        index.columns.join() === columns.join(),
    );
    if (!isPlain || same === undefined || same.name === tree.idxname) return [];
    return [
      {
        message: `${same.name} of ${shown(table)} has the same columns already`,
        hint: "Leave it out, or drop the other one.",
        relation: table,
      },
    ];
  },
});
