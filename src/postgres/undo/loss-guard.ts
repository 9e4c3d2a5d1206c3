import { TminusError } from "../../errors.ts";
import type { RevertGuard } from "../migrations/revert.ts";
import { isArchivable } from "../phases/archive.ts";
import { lockTable, readTable } from "../sql/table.ts";
import { countedNow, droppedByText, gradeUndo, lossesOf, readOwnXids, summarize } from "./grade.ts";

const HINT = "Set 'loss: allow' in the step to undo it all the same.";

/**
 * Keeps down sections from dropping what was written since: counts everything before the first, and again under
 * the lock of the transaction that would drop it, so that nothing is written between the count and the drop.
 */
export function lossGuard(runKey: string): RevertGuard {
  let xids: string[] = [];
  return {
    async check(session) {
      xids = await readOwnXids(session, runKey);
      await session.query("begin transaction isolation level repeatable read read only");
      try {
        const { losses, text } = summarize(countedNow((await gradeUndo(session, runKey)).losses));
        return losses.length === 0 ? undefined : `${text}; the schema stays. ${HINT}`;
      } finally {
        await session.rollback();
      }
    },
    async beforeStatement(session, row, statement) {
      for (const dropped of await droppedByText(statement)) {
        const hasTable = isArchivable(dropped) || dropped.kind === "rows";
        if (hasTable && (await readTable(session, dropped.table)) !== undefined)
          await lockTable(session, dropped.table);
      }
      const { losses, text } = summarize(await lossesOf(session, row, statement, xids));
      if (losses.length === 0) return;
      throw new TminusError("MIGRATION_REFUSED", `${text}; the schema stays from this file on`, {
        hint: HINT,
      });
    },
  };
}
