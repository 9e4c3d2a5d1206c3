import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";
import { buildOnPartitions } from "../../rewrite/build-on-partitions.ts";

export const partitionedIndex = defineRule({
  id: "partitioned-index",
  summary: "CREATE INDEX on a partitioned table builds it on every partition under a lock.",
  severity: "block",
  requirements: ["C6"],
  why: "No partition takes a write until all of them have the index. PostgreSQL has no concurrent form for the partitioned table itself, but for each partition.",
  bad: [
    { sql: "create index on readings (value);", effect: { scans: "readings_2025" } },
    {
      sql: "create unique index readings_at on readings (taken_on, lower(value::text)) where value > 1;",
      effect: { scans: "readings_2025" },
    },
    {
      before:
        "alter table readings attach partition readings_2026 for values from ('2026-01-01') to ('2027-01-01');",
      sql: "create index on readings (value desc) with (fillfactor = 60);",
      effect: { scans: "readings_2025" },
    },
  ],
  good: [
    {
      sql: [
        "create index readings_value on only readings (value);",
        { outside: "create index concurrently readings_2025_value on readings_2025 (value);" },
        "alter index readings_value attach partition readings_2025_value;",
      ],
    },
  ],
  check({ node }, { catalog, isLive }) {
    const tree = treeOf(node, "IndexStmt");
    const table = keyOf(catalog, tree?.relation);
    if (tree === undefined || catalog.tables.get(table)?.isPartitioned !== true) return [];
    if (tree.relation?.inh !== true || !isLive(table)) return [];
    return [
      {
        message: `no partition of ${shown(table)} takes a write until all of them have the index`,
        hint: "CREATE INDEX ON ONLY the partitioned table, CREATE INDEX CONCURRENTLY on each partition, then ALTER INDEX … ATTACH PARTITION.",
        relation: table,
      },
    ];
  },
  rewrite: (_finding, { node }, context) => buildOnPartitions(treeOf(node, "IndexStmt")!, context),
});
