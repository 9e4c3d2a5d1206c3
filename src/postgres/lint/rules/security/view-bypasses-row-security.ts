import type { Node, RangeVar } from "libpg-query";
import { quotedName, relationOf } from "../../../sql/names.ts";
import { treeOf, walk } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { isOn } from "../../catalog/objects.ts";
import { defineRule } from "../../define-rule.ts";
import { identityOf } from "../../rewrite/identity-of.ts";
import { sqlOf } from "../../rewrite/sql-of.ts";

export const viewBypassesRowSecurity = defineRule({
  id: "view-bypasses-row-security",
  summary: "A view over a table with row level security that does not run as its reader.",
  severity: "block",
  requirements: ["C9"],
  why: "A view reads with its owner's rights: whoever may read the view sees all rows of the table, whatever its policies say.",
  bad: [
    {
      sql: "create view all_items as select * from items;",
      effect: {
        shows: "select exists (select from pg_class where relname = 'all_items' and reloptions is null)",
      },
    },
    {
      sql: 'create view public."All Items" (one, two, three) with (security_barrier) as select order_id, sku, quantity from items with local check option;',
      effect: {
        shows:
          "select exists (select from pg_class where relname = 'All Items' and not reloptions::text like '%security_invoker%')",
      },
    },
    {
      before: "create view all_items with (security_invoker = true) as select * from items;",
      sql: "create or replace view all_items as select * from items;",
      effect: {
        shows:
          "select exists (select from pg_class where relname = 'all_items' and not coalesce(reloptions::text, '') like '%security_invoker%')",
      },
      isLeft: true,
    },
  ],
  good: [{ sql: "create view own_items with (security_invoker = true) as select * from items;" }],
  check({ node }, { catalog }) {
    const tree = treeOf(node, "ViewStmt");
    if (tree === undefined || isOn(tree.options, "security_invoker")) return [];
    const read = new Set<string>();
    walk(tree.query, (kind, fields) => {
      if (kind === "RangeVar") read.add(keyOf(catalog, fields as RangeVar));
    });
    const protectedTable = [...read].find((table) => catalog.tables.get(table)?.hasRowSecurity === true);
    if (protectedTable === undefined) return [];
    return [
      {
        message: `whoever may read ${shown(keyOf(catalog, tree.view))} sees all rows of ${shown(protectedTable)}, whatever its policies say`,
        hint: "Write CREATE VIEW … WITH (security_invoker = true) AS …",
        relation: keyOf(catalog, tree.view),
      },
    ];
  },
  rewrite(_finding, { node }, { catalog }) {
    const tree = treeOf(node, "ViewStmt")!;
    const key = keyOf(catalog, tree.view);
    if (tree.replace === true)
      return {
        reason:
          "The running release may read a view of that name, and would see less: decide whether its readers have the rights on the tables.",
      };
    const others = (tree.options ?? []).filter(
      (each) => treeOf(each, "DefElem")?.defname !== "security_invoker",
    );
    const invoker: Node = {
      DefElem: {
        defname: "security_invoker",
        arg: { String: { sval: "true" } },
        defaction: "DEFELEM_UNSPEC",
      },
    };
    const [schema = "public", name = ""] = key.split(/\.(.*)/s);
    const view = quotedName(relationOf(tree.view!));
    return {
      steps: [
        {
          suffix: "view",
          transactional: true,
          sql: `${sqlOf({ ViewStmt: { ...tree, options: [...others, invoker] } })}\n`,
          down: `drop view ${view};\n`,
        },
      ],
      differs: [
        {
          object: `view ${identityOf(schema, name)}`,
          because: "it shows its readers the rows that the policies of the tables show them",
        },
      ],
    };
  },
});
