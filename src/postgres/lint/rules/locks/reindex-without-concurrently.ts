import type { Node } from "libpg-query";
import { treeOf } from "../../../sql/tree.ts";
import { keyOf } from "../../catalog/catalog.ts";
import { isOn } from "../../catalog/objects.ts";
import { defineRule } from "../../define-rule.ts";
import { sqlOf } from "../../rewrite/sql-of.ts";

export const reindexWithoutConcurrently = defineRule({
  id: "reindex-without-concurrently",
  summary: "REINDEX without CONCURRENTLY.",
  severity: "block",
  requirements: ["C6"],
  why: "The table takes no writes until the index is built again, and reads that would use the index wait, too.",
  bad: [
    { sql: "reindex index users_name_idx;", effect: { lock: "ShareLock", on: "users" } },
    { sql: "reindex table users;", effect: { lock: "ShareLock", on: "users" } },
    { sql: 'reindex (verbose) index public."users_name_idx";', effect: { lock: "ShareLock", on: "users" } },
    {
      before: "alter table items add constraint one_each exclude using btree (order_id with =, sku with =);",
      sql: "reindex table items;",
      effect: { lock: "ShareLock", on: "items" },
      isLeft: true,
    },
    {
      sql: { outside: "reindex schema public;" },
      effect: { unseen: "each table is a transaction of its own" },
      isLeft: true,
    },
  ],
  good: [{ sql: { outside: "reindex index concurrently users_name_idx;" } }],
  check({ node }, { catalog, isLive }) {
    const tree = treeOf(node, "ReindexStmt");
    if (tree === undefined || isOn(tree.params, "concurrently")) return [];
    const named = keyOf(catalog, tree.relation);
    const table = catalog.indexes.get(named)?.table ?? named;
    if (tree.relation !== undefined && !isLive(table)) return [];
    return [
      {
        message: "nothing can be written to the table until the index is built again",
        hint: "Write REINDEX … CONCURRENTLY outside a transaction.",
        ...(tree.relation === undefined ? {} : { relation: named }),
      },
    ];
  },
  rewrite(_finding, { node }, { catalog }) {
    const tree = treeOf(node, "ReindexStmt")!;
    const isIndex = tree.kind === "REINDEX_OBJECT_INDEX";
    if (!isIndex && tree.kind !== "REINDEX_OBJECT_TABLE")
      return { reason: "Write one REINDEX … CONCURRENTLY for each table that needs it." };
    const named = keyOf(catalog, tree.relation);
    const table = catalog.tables.get(catalog.indexes.get(named)?.table ?? named);
    if (table?.isComplete !== true)
      return { reason: "Which indexes are built again is not told by the files: name each of them." };
    // CONCURRENTLY refuses the index of an exclusion constraint, and passes over it in a table.
    const excluded = [...table.constraints.values()].some(
      ({ kind, index }) => kind === "exclude" && (!isIndex || index === named),
    );
    if (excluded)
      return {
        reason:
          "The index of an exclusion constraint cannot be built CONCURRENTLY: do it when few people are there.",
      };
    const concurrently: Node = { DefElem: { defname: "concurrently", defaction: "DEFELEM_UNSPEC" } };
    const params = [...(tree.params ?? []).filter((each) => !isConcurrently(each)), concurrently];
    const sql = `${sqlOf({ ReindexStmt: { ...tree, params } })}\n`;
    return { steps: [{ suffix: "reindex", transactional: false, sql }] };
  },
});

/** `concurrently false` */
function isConcurrently(option: Node): boolean {
  return treeOf(option, "DefElem")?.defname === "concurrently";
}
