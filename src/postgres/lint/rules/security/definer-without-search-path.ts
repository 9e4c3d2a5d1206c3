import { textsOf, treeOf } from "../../../sql/tree.ts";
import { emptyCatalog, shown, typeKeyOf } from "../../catalog/catalog.ts";
import { applyFunction } from "../../catalog/objects.ts";
import { defineRule } from "../../define-rule.ts";

export const definerWithoutSearchPath = defineRule({
  id: "definer-without-search-path",
  summary: "A SECURITY DEFINER function that does not set its search_path.",
  severity: "block",
  requirements: ["C9"],
  why: "It runs with its owner's rights and finds its names where the caller says: who may create a function or a table somewhere takes over the owner's rights.",
  bad: [
    {
      sql: "create function total() returns bigint language sql security definer as 'select count(*) from users';",
      effect: {
        shows:
          "select exists (select from pg_proc where proname = 'total' and prosecdef and proconfig is null)",
      },
    },
  ],
  good: [
    {
      sql: "create function total() returns bigint language sql security definer set search_path = '' as 'select count(*) from public.users';",
    },
  ],
  check({ node }) {
    const tree = treeOf(node, "CreateFunctionStmt");
    if (tree === undefined) return [];
    const alone = emptyCatalog();
    applyFunction(alone, node);
    const key = typeKeyOf(alone, textsOf(tree.funcname));
    const made = alone.functions.get(key);
    if (made?.isSecurityDefiner !== true || made.hasSearchPath) return [];
    return [
      {
        message: `${shown(key)}() runs with its owner's rights and finds its names where the caller says`,
        hint: "Add SET search_path = '' and write every name with its schema.",
        relation: key,
      },
    ];
  },
  noRewrite:
    "Which schema each name in the body means depends on who calls it: write the names with their schema and add SET search_path = ''.",
});
