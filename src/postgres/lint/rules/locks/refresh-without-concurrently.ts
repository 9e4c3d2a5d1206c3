import { quotedName, relationOf } from "../../../sql/names.ts";
import { treeOf } from "../../../sql/tree.ts";
import { indexesOf, keyOf, shown } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";

export const refreshWithoutConcurrently = defineRule({
  id: "refresh-without-concurrently",
  summary: "REFRESH MATERIALIZED VIEW without CONCURRENTLY.",
  severity: "block",
  requirements: ["C6"],
  why: "Nobody can read the view until it is computed again.",
  bad: [
    {
      sql: "refresh materialized view order_totals;",
      effect: { lock: "AccessExclusiveLock", on: "order_totals" },
    },
    {
      before: "create materialized view skus as select distinct sku from items;",
      sql: "refresh materialized view skus;",
      effect: { lock: "AccessExclusiveLock", on: "skus" },
      isLeft: true,
    },
    {
      before:
        "create materialized view skus as select distinct sku from items with no data; create unique index skus_sku on skus (sku);",
      sql: "refresh materialized view skus;",
      effect: { lock: "AccessExclusiveLock", on: "skus" },
      isLeft: true,
    },
  ],
  good: [{ sql: "refresh materialized view concurrently order_totals;" }],
  check({ node }, { catalog, isNew }) {
    const tree = treeOf(node, "RefreshMatViewStmt");
    const view = keyOf(catalog, tree?.relation);
    if (tree === undefined || tree.concurrent === true || tree.skipData === true || isNew(view)) return [];
    return [
      {
        message: `nobody can read ${shown(view)} until it is computed again`,
        hint: "Write REFRESH MATERIALIZED VIEW CONCURRENTLY; the view needs a unique index for it.",
        relation: view,
      },
    ];
  },
  rewrite(_finding, { node }, { catalog }) {
    const relation = treeOf(node, "RefreshMatViewStmt")!.relation!;
    const key = keyOf(catalog, relation);
    if (catalog.views.get(key)?.isPopulated !== true)
      return {
        reason: "Whether the view holds rows already is not told by the files: CONCURRENTLY needs some.",
      };
    const isUsable = indexesOf(catalog, key).some(
      ({ isUnique, isPartial, columns }) =>
        isUnique && !isPartial && columns.every((name) => name !== undefined),
    );
    if (!isUsable)
      return {
        reason: `CONCURRENTLY needs a unique index over plain columns, without WHERE: first CREATE UNIQUE INDEX CONCURRENTLY on ${shown(key)} over what tells its rows apart.`,
      };
    const sql = `refresh materialized view concurrently ${quotedName(relationOf(relation))};\n`;
    return { steps: [{ suffix: "refresh", transactional: true, sql }] };
  },
});
