import type { Node } from "libpg-query";
import { quoted, quotedName, relationOf } from "../../../sql/names.ts";
import { columnsIn, treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";
import { identityOf } from "../../rewrite/identity-of.ts";
import { sqlOf } from "../../rewrite/sql-of.ts";

export const policyCallPerRow = defineRule({
  id: "policy-call-per-row",
  summary: "A policy that calls auth.uid() or current_setting() for every row.",
  severity: "note",
  requirements: ["C9"],
  why: "Inside (select …) PostgreSQL asks once for the query; without it, once for every row that it reads.",
  bad: [
    {
      sql: "create policy own on items for select using (sku = current_setting('app.user', true));",
      effect: {
        shows:
          "select exists (select from pg_policy where pg_get_expr(polqual, polrelid) ~ '^\\(sku = current_setting')",
      },
    },
    {
      sql: `create policy "Own rows" on public.items for update to public using (sku = coalesce(current_setting('app.user', true), '')) with check (order_id = current_setting('app.order')::bigint and quantity > 0);`,
      effect: {
        shows:
          "select exists (select from pg_policy where pg_get_expr(polqual, polrelid) ~ 'COALESCE.current_setting')",
      },
    },
    {
      sql: "create policy own on items for select using (sku = current_setting(sku, true));",
      effect: {
        shows:
          "select exists (select from pg_policy where pg_get_expr(polqual, polrelid) ~ '^\\(sku = current_setting')",
      },
      isLeft: true,
    },
  ],
  good: [
    {
      sql: "create policy own on items for select using (sku = (select current_setting('app.user', true)));",
    },
  ],
  check({ node }, { catalog }) {
    const tree = treeOf(node, "CreatePolicyStmt") ?? treeOf(node, "AlterPolicyStmt");
    if (tree === undefined) return [];
    const call = callOutsideSelect([tree.qual, tree.with_check]);
    if (call === undefined) return [];
    const table = keyOf(catalog, tree.table);
    return [
      {
        message: `${call}() is called for every row of ${shown(table)} that is read`,
        hint: `Write (select ${call}(…)).`,
        relation: table,
      },
    ];
  },
  rewrite(_finding, { node }, { catalog }) {
    const created = treeOf(node, "CreatePolicyStmt");
    const tree = created ?? treeOf(node, "AlterPolicyStmt")!;
    const { qual, with_check: check } = structuredClone({ qual: tree.qual, with_check: tree.with_check });
    const parts = {
      ...(qual === undefined ? {} : { qual: askedOnce(qual) }),
      ...(check === undefined ? {} : { with_check: askedOnce(check) }),
    };
    if (callOutsideSelect([parts.qual, parts.with_check]) !== undefined)
      return { reason: "The call takes a value of the row: only one that takes none can be asked once." };
    const [schema = "public", name = ""] = keyOf(catalog, tree.table).split(/\.(.*)/s);
    const policy = tree.policy_name ?? "";
    const sql =
      created === undefined
        ? sqlOf({ AlterPolicyStmt: { ...treeOf(node, "AlterPolicyStmt"), ...parts } })
        : sqlOf({ CreatePolicyStmt: { ...created, ...parts } });
    const step = { suffix: "policy", transactional: true, sql: `${sql}\n` };
    const down = `drop policy ${quoted(policy)} on ${quotedName(relationOf(tree.table!))};\n`;
    return {
      steps: [created === undefined ? step : { ...step, down }],
      differs: [
        { object: `policy ${identityOf(schema, name, policy)}`, because: "it asks once for the query" },
      ],
    };
  },
});

/** Each such call that takes no column, inside (select …). Changes the tree. */
function askedOnce(expression: Node): Node {
  if ("FuncCall" in expression && callOutsideSelect(expression) !== undefined) {
    const hasColumn = columnsIn(expression).length > 0;
    const isItself = callOutsideSelect(expression.FuncCall.args) === undefined;
    if (!hasColumn && isItself) return selected(expression);
  }
  if ("SubLink" in expression) return expression;
  for (const fields of Object.values(expression) as Record<string, unknown>[]) {
    for (const [name, value] of Object.entries(fields)) {
      if (Array.isArray(value)) fields[name] = value.map((each: Node) => askedOnce(each));
      else if (typeof value === "object" && value !== null && isNode(value)) fields[name] = askedOnce(value);
    }
  }
  return expression;
}

/** A node has one key, the name of its type. */
function isNode(value: object): value is Node {
  const keys = Object.keys(value);
  return keys.length === 1 && /^[A-Z]/.test(keys[0]!);
}

function selected(val: Node): Node {
  return {
    SubLink: {
      subLinkType: "EXPR_SUBLINK",
      subselect: {
        SelectStmt: {
          targetList: [{ ResTarget: { val } }],
          limitOption: "LIMIT_OPTION_DEFAULT",
          op: "SETOP_NONE",
        },
      },
    },
  };
}

/** Name of a call that no sub-select surrounds. */
function callOutsideSelect(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "SubLink") continue;
    if (key === "FuncCall") {
      const names = JSON.stringify((inner as { funcname?: unknown }).funcname);
      const found = /"auth"\}\},\{"String":\{"sval":"(uid|jwt|role|email)"|"sval":"(current_setting)"/.exec(
        names,
      );
      if (found !== null) return found[1] === undefined ? "current_setting" : `auth.${found[1]}`;
    }
    const deeper = callOutsideSelect(inner);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}
