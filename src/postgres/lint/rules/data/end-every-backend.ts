import { callsIn, columnsIn, treeOf } from "../../../sql/tree.ts";
import { defineRule } from "../../define-rule.ts";

export const endEveryBackend = defineRule({
  id: "end-every-backend",
  summary: "pg_terminate_backend or pg_cancel_backend of every session that matches something general.",
  severity: "block",
  requirements: ["C6"],
  why: "It ends the application's own connections as well, those in its pool that are idle, too. Only what blocks somebody may be ended, by its pid.",
  bad: [
    {
      sql: "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and application_name = 'nobody';",
      effect: { unseen: "it would end the sessions of the other tests" },
    },
  ],
  good: [
    {
      sql: "select pg_terminate_backend(blocker) from pg_stat_activity, unnest(pg_blocking_pids(pid)) as blocker where application_name = 'nobody';",
    },
  ],
  check({ node }) {
    const select = treeOf(node, "SelectStmt");
    const ended = callsIn(select?.targetList).find(
      (call) => call === "pg_terminate_backend" || call === "pg_cancel_backend",
    );
    if (ended === undefined || (select?.fromClause ?? []).length === 0) return [];
    const isTargeted = callsIn(select).includes("pg_blocking_pids") || namesOnePid(select?.whereClause);
    if (isTargeted) return [];
    return [
      {
        message: `${ended}() for every row of a query ends the application's own sessions, too`,
        hint: "End only what blocks somebody: the pids of pg_blocking_pids(<pid that waits>).",
      },
    ];
  },
  noRewrite:
    "Which session is in the way is known only at that moment: let `tminus db locks` name it and end that one.",
});

/** `pid = 4711` */
function namesOnePid(where: unknown): boolean {
  const text = JSON.stringify(where ?? {});
  return columnsIn(where).join() === "pid" && text.includes('"sval":"="') && text.includes('"ival"');
}
