import type { Constraint } from "libpg-query";
import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";

export const foreignKeyOnNewTable = defineRule({
  id: "foreign-key-on-new-table",
  summary: "A new table whose foreign key points to a table in use, which it locks for a moment.",
  severity: "note",
  requirements: ["C6"],
  why: "The other table takes no writes until the transaction ends. That is a moment, unless the transaction goes on with something slow.",
  bad: [
    {
      sql: "create table notes (id bigint, user_id bigint references users (id));",
      effect: { lock: "ShareRowExclusiveLock", on: "users" },
    },
  ],
  good: [{ sql: "create table notes (id bigint, user_id bigint);" }],
  check({ node }, { catalog, isLive }) {
    const tree = treeOf(node, "CreateStmt");
    const constraints = (tree?.tableElts ?? []).flatMap((element): (Constraint | undefined)[] => [
      treeOf(element, "Constraint"),
      ...(treeOf(element, "ColumnDef")?.constraints ?? []).map((each) => treeOf(each, "Constraint")),
    ]);
    const parents = constraints
      .filter((constraint) => constraint?.contype === "CONSTR_FOREIGN")
      .map((constraint) => keyOf(catalog, constraint?.pktable))
      .filter((parent) => isLive(parent) && parent !== keyOf(catalog, tree?.relation));
    return [...new Set(parents)].map((parent) => ({
      message: `${shown(parent)} takes no writes from here to the end of the transaction`,
      hint: "Keep the rest of the file short; put what takes long into a file of its own.",
      relation: parent,
    }));
  },
});
