import type { Node } from "libpg-query";
import { textsOf, treeOf, walk } from "../../../sql/tree.ts";
import { defineRule } from "../../define-rule.ts";

export const unknownStatisticsColumn = defineRule({
  id: "unknown-statistics-column",
  summary: "A column that pg_stat_activity or pg_locks does not have, like duration.",
  severity: "block",
  requirements: ["C6"],
  why: "The statement fails (42703) at the moment it is needed. pg_stat_activity has no duration: it is clock_timestamp() - query_start of the backends whose state is 'active'.",
  bad: [
    {
      sql: "select pid from pg_stat_activity where duration > interval '5 minutes';",
      effect: { error: "42703" },
    },
  ],
  good: [
    {
      sql: "select pid, clock_timestamp() - query_start as duration from pg_stat_activity where state = 'active' and clock_timestamp() - query_start > interval '5 minutes';",
    },
  ],
  check({ node }) {
    const select = treeOf(node, "SelectStmt");
    const from = treeOf(select?.fromClause?.[0], "RangeVar");
    const known = KNOWN[from?.relname ?? ""];
    if (select === undefined || known === undefined || select.fromClause?.length !== 1) return [];
    const aliases = new Set((select.targetList ?? []).map((each) => treeOf(each, "ResTarget")?.name));
    const unknown = new Set<string>();
    const see = (part: unknown, isSorting: boolean): void => {
      walk(part, (kind, fields) => {
        const [name, ...more] = kind === "ColumnRef" ? textsOf(fields.fields as Node[]).toReversed() : [];
        if (name === undefined || known.has(name) || more.length > 1) return;
        if (!(isSorting && aliases.has(name))) unknown.add(name);
      });
    };
    see([select.targetList, select.whereClause], false);
    see([select.sortClause, select.groupClause], true);
    return [...unknown].map((name) => ({
      message: `${from?.relname ?? ""} has no column ${name} (42703)`,
      hint:
        name === "duration"
          ? "Write clock_timestamp() - query_start, for the rows with state = 'active'."
          : `Its columns are: ${[...known].join(", ")}.`,
      relation: `pg_catalog.${from?.relname ?? ""}`,
    }));
  },
  noRewrite: "What a column that is not there was to say only its author knows: write one that is.",
});

/** PostgreSQL 18: https://www.postgresql.org/docs/18/monitoring-stats.html, https://www.postgresql.org/docs/18/view-pg-locks.html */
const KNOWN: Readonly<Record<string, ReadonlySet<string>>> = {
  pg_stat_activity: new Set(
    "datid datname pid leader_pid usesysid usename application_name client_addr client_hostname client_port backend_start xact_start query_start state_change wait_event_type wait_event state backend_xid backend_xmin query_id query backend_type".split(
      " ",
    ),
  ),
  pg_locks: new Set(
    "locktype database relation page tuple virtualxid transactionid classid objid objsubid virtualtransaction pid mode granted fastpath waitstart".split(
      " ",
    ),
  ),
};
