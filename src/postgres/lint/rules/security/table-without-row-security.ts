import { quotedName, relationOf } from "../../../sql/names.ts";
import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { commandsOf } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";
import { identityOf } from "../../rewrite/identity-of.ts";

export const tableWithoutRowSecurity = defineRule({
  id: "table-without-row-security",
  summary: "A new table without row level security in a schema whose other tables have it.",
  severity: "block",
  requirements: ["C6", "C9"],
  why: "Where an API exposes the whole schema, everybody with its public key reads and writes every row of the table.",
  bad: [
    {
      sql: "create table secrets (id bigint, text text);",
      effect: {
        shows: "select exists (select from pg_class where relname = 'secrets' and not relrowsecurity)",
      },
      isLeft: true,
    },
    {
      sql: `create table public."Secrets" (id bigint, text text); create policy own on "Secrets" using (id > 0);`,
      effect: {
        shows: "select exists (select from pg_class where relname = 'Secrets' and not relrowsecurity)",
      },
    },
    {
      sql: "create table if not exists secrets (id bigint); create policy own on secrets using (id > 0);",
      effect: {
        shows: "select exists (select from pg_class where relname = 'secrets' and not relrowsecurity)",
      },
      isLeft: true,
    },
  ],
  good: [
    { sql: "create table secrets (id bigint, text text); alter table secrets enable row level security;" },
  ],
  check({ node }, { catalog, statements }) {
    const tree = treeOf(node, "CreateStmt");
    if (tree === undefined || tree.relation?.relpersistence === "t" || tree.partbound !== undefined)
      return [];
    const key = keyOf(catalog, tree.relation);
    const schema = key.split(".")[0];
    const others = [...catalog.tables.values()].filter((table) => table.schema === schema);
    const isUsual = others.some((table) => table.hasRowSecurity);
    const isEnabled = statements.some((other) =>
      commandsOf(other, catalog, "AT_EnableRowSecurity").some(({ table }) => table === key),
    );
    if (!isUsual || isEnabled || catalog.tables.has(key)) return [];
    return [
      {
        // Where a table without it is there already, people know what the schema is for.
        ...(others.every((table) => table.hasRowSecurity) ? {} : { severity: "ask" as const }),
        message: `${shown(key)} has no row level security, unlike other tables of schema ${schema ?? ""}`,
        hint: `ALTER TABLE ${shown(key)} ENABLE ROW LEVEL SECURITY; in the same file, and its policies.`,
        relation: key,
      },
    ];
  },
  rewrite(_finding, { node, text }, { catalog, statements }) {
    const tree = treeOf(node, "CreateStmt")!;
    // Its down section would drop a table that was there before.
    if (tree.if_not_exists === true)
      return {
        reason:
          "The table may be there already, with rows and users: write it without IF NOT EXISTS, or switch row level security on by hand.",
      };
    const relation = tree.relation!;
    const key = keyOf(catalog, relation);
    const hasPolicy = statements.some((other) => {
      const policy = treeOf(other.node, "CreatePolicyStmt");
      return policy !== undefined && keyOf(catalog, policy.table) === key;
    });
    if (!hasPolicy)
      return {
        reason:
          "Without a policy nobody but its owner would see a row: decide who may see which, and write the policies in the same file.",
      };
    const table = quotedName(relationOf(relation));
    const [schema = "public", name = ""] = key.split(/\.(.*)/s);
    return {
      steps: [
        {
          suffix: "row-security",
          transactional: true,
          sql: `${text};\nalter table ${table} enable row level security;\n`,
          down: `drop table ${table};\n`,
        },
      ],
      differs: [
        {
          object: `table ${identityOf(schema, name)}`,
          because: "its policies protect it only when they are on",
        },
      ],
    };
  },
});
