import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";

export const partitionLocksParent = defineRule({
  id: "partition-locks-parent",
  summary:
    "DETACH PARTITION without CONCURRENTLY, or CREATE TABLE … PARTITION OF: a lock on the whole partitioned table.",
  severity: "ask",
  requirements: ["C6"],
  why: "It takes a moment, but nobody can read or write any partition while it waits for its lock and until the transaction ends.",
  bad: [
    {
      sql: "alter table readings detach partition readings_2025;",
      effect: { lock: "AccessExclusiveLock", on: "readings" },
    },
    {
      sql: "create table readings_2027 partition of readings for values from ('2027-01-01') to ('2028-01-01');",
      effect: { lock: "AccessExclusiveLock", on: "readings" },
    },
  ],
  good: [
    { sql: { outside: "alter table readings detach partition readings_2025 concurrently;" } },
    {
      sql: "create table readings_2027 (like readings); alter table readings attach partition readings_2027 for values from ('2027-01-01') to ('2028-01-01');",
    },
  ],
  check(statement, { catalog, isLive }) {
    const hint = "Write DETACH PARTITION … CONCURRENTLY outside a transaction.";
    const detached = commandsOf(statement, catalog, "AT_DetachPartition")
      .filter(({ table, tree }) => isLive(table) && treeOf(tree.def, "PartitionCmd")?.concurrent !== true)
      .map((command) => ({ ...placeOfCommand(command), message: said(command.table), hint }));
    const created = treeOf(statement.node, "CreateStmt");
    const parent =
      created?.partbound === undefined ? undefined : treeOf(created.inhRelations?.[0], "RangeVar");
    if (parent === undefined || !isLive(keyOf(catalog, parent))) return detached;
    return [
      ...detached,
      {
        message: said(keyOf(catalog, parent)),
        hint: "Create it as a table of its own (LIKE the partitioned one), then ATTACH PARTITION.",
        relation: keyOf(catalog, parent),
      },
    ];
  },
});

function said(table: string): string {
  return `nobody can read or write any partition of ${shown(table)} until the transaction ends`;
}
