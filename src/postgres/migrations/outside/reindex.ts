import type { Node } from "libpg-query";
import type { Session } from "../../session/connect.ts";
import { dropConcurrently, readIndexes } from "./catalog.ts";
import type { OutsideEffect } from "./effect.ts";

interface Evidence {
  /** Every index that there was. */
  before: number[];
}

/** The new and the old index of an interrupted REINDEX: https://www.postgresql.org/docs/18/sql-reindex.html */
const LEFTOVER = /_cc(new|old)\d*$/;

/** REINDEX CONCURRENTLY. Repeating it is harmless; invalid copies that an attempt left are dropped first. */
export function reindex(node: Node): OutsideEffect<Evidence> | undefined {
  if (!("ReindexStmt" in node)) return undefined;
  const clearAway = async (
    session: Session,
    { before }: Evidence,
    say: (text: string) => void,
  ): Promise<void> => {
    for (const { oid, relname, name, isValid, isBeingBuilt } of await readIndexes(session, null)) {
      // The old index keeps its object id under its new name.
      const isOurs = relname.includes("_ccold") || !before.includes(oid);
      if (isValid || isBeingBuilt || !isOurs || !LEFTOVER.test(relname)) continue;
      say(`dropping the invalid index ${name} of an earlier attempt`);
      await dropConcurrently(session, name);
    }
  };
  return {
    look: async (session) => ({ before: (await readIndexes(session, null)).map(({ oid }) => oid) }),
    async settle(session, evidence, say) {
      await clearAway(session, evidence, say);
      return "again";
    },
    // The index that it made is the one that there was.
    undo: (session, evidence) => clearAway(session, evidence, () => undefined),
  };
}
