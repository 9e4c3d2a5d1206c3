import { literal } from "../../../session/literal.ts";
import { quotedName } from "../../../sql/names.ts";
import { treeOf } from "../../../sql/tree.ts";
import { keyOf } from "../../catalog/catalog.ts";
import { isOn } from "../../catalog/objects.ts";
import { commandsOf } from "../../commands-of.ts";
import { defineRule, type LintContext, type LintStatement } from "../../define-rule.ts";
import { dropEachConcurrently } from "../../rewrite/drop-each-concurrently.ts";
import { indexNameOf } from "../../rewrite/index-name-of.ts";

export const concurrentlyInTransaction = defineRule({
  id: "concurrently-in-transaction",
  summary: "CONCURRENTLY inside a transaction.",
  severity: "block",
  requirements: ["C6"],
  why: "PostgreSQL refuses it, and everything that the transaction did before is gone. With psql -f and a BEGIN in the file the exit code is still 0.",
  bad: [
    { sql: "create index concurrently users_visits_idx on users (visits);", effect: { error: "25001" } },
    { sql: "drop index concurrently users_name_idx;", effect: { error: "25001" } },
    { sql: "reindex index concurrently users_name_idx;", effect: { error: "25001" } },
    {
      sql: "alter table readings detach partition readings_2025 concurrently;",
      effect: { error: "25001" },
    },
    {
      sql: "do $$ begin create index concurrently users_visits_idx on users (visits); end $$;",
      effect: { error: "25001" },
      isLeft: true,
    },
  ],
  good: [{ sql: { outside: "create index concurrently users_visits_idx on users (visits);" } }],
  check(statement, context) {
    if (statement.transaction === undefined || !isConcurrent(statement, context)) return [];
    const where = statement.inBody === true ? "a DO block" : "a transaction";
    return [
      {
        message: `PostgreSQL refuses CONCURRENTLY inside ${where} (25001), and all of it is rolled back`,
        hint: "Move the statement into a file of its own with the line '-- tminus: no-transaction'.",
      },
    ];
  },
  rewrite(_finding, statement, context) {
    const { node, text } = statement;
    if (treeOf(node, "DropStmt") !== undefined) return dropEachConcurrently(node, context.catalog);
    const sql = `${text};`;
    return {
      steps: [{ suffix: "concurrently", transactional: false, sql }],
      ends: endsWith(statement, context),
    };
  },
});

/** What can be seen when it has run. */
function endsWith(statement: LintStatement, { catalog }: LintContext): string {
  const { node } = statement;
  const index = treeOf(node, "IndexStmt");
  if (index !== undefined) {
    const key = keyOf(catalog, index.relation);
    const name = index.idxname ?? indexNameOf(catalog, index) ?? "";
    return `select coalesce((select indisvalid from pg_index where indexrelid = to_regclass(${literal(quotedKey(`${key.split(".")[0]}.${name}`))})), false)`;
  }
  const detached = commandsOf(statement, catalog, "AT_DetachPartition")[0]?.tree.def;
  const child = keyOf(catalog, treeOf(detached, "PartitionCmd")?.name);
  return detached === undefined
    ? "select true"
    : `select not relispartition from pg_class where oid = ${literal(quotedKey(child))}::regclass`;
}

function quotedKey(key: string): string {
  const [schema = "", name = ""] = key.split(/\.(.*)/s);
  return quotedName({ schema, name });
}

function isConcurrent(statement: LintStatement, { catalog }: LintContext): boolean {
  const { node } = statement;
  return (
    treeOf(node, "IndexStmt")?.concurrent === true ||
    treeOf(node, "DropStmt")?.concurrent === true ||
    isOn(treeOf(node, "ReindexStmt")?.params, "concurrently") ||
    commandsOf(statement, catalog, "AT_DetachPartition").some(
      ({ tree }) => treeOf(tree.def, "PartitionCmd")?.concurrent === true,
    )
  );
}
