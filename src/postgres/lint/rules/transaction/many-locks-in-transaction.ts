import { shown } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";
import { exclusivelyLocked } from "../../facts/exclusive-locks.ts";

export const manyLocksInTransaction = defineRule({
  id: "many-locks-in-transaction",
  summary: "One transaction locks several tables in use, one after the other.",
  severity: "note",
  requirements: ["C6"],
  why: "The first is locked while the transaction waits for the next, and an application that takes them in the other order deadlocks with it.",
  bad: [
    {
      sql: "alter table users add column note text; alter table items add column note text;",
      effect: { lock: "AccessExclusiveLock", on: "items" },
    },
  ],
  good: [{ sql: "alter table users add column note text; alter table users add column more text;" }],
  check(statement, { catalog, earlier, isLive }) {
    const locked = exclusivelyLocked(statement, catalog).filter(isLive);
    if (locked.length === 0) return [];
    const before = new Set(earlier.flatMap((each) => exclusivelyLocked(each, catalog)).filter(isLive));
    const added = locked.filter((table) => !before.has(table));
    // Once for the transaction, at its second table.
    if (added.length === 0 || before.size !== 1) return [];
    return [
      {
        message: `${shown([...before][0]!)} stays locked while this waits for ${shown(added[0]!)}`,
        hint: "Give each table a file of its own.",
        relation: added[0]!,
      },
    ];
  },
});
