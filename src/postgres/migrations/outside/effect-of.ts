import { parseSql } from "../../sql/parse.ts";
import { buildIndex } from "./build-index.ts";
import { detachPartition } from "./detach-partition.ts";
import { dropIndex } from "./drop-index.ts";
import type { OutsideEffect } from "./effect.ts";
import { reindex } from "./reindex.ts";

/** Nothing to find, and harmless to repeat. */
const repeatable: OutsideEffect = {
  look: () => Promise.resolve(null),
  settle: () => Promise.resolve("again"),
};
/** VACUUM has no effect that could be taken back. */
const vacuum: OutsideEffect = { ...repeatable, undo: () => Promise.resolve() };

/**
 * The effect of a statement that runs outside a transaction. What the parser does not know is left for the
 * database to refuse.
 */
export async function effectOf(sql: string): Promise<OutsideEffect> {
  const parsed = await parseSql(sql);
  const node = "statements" in parsed ? parsed.statements[0]?.node : undefined;
  const effect =
    node === undefined
      ? undefined
      : "VacuumStmt" in node
        ? vacuum
        : (buildIndex(node) ?? dropIndex(node) ?? reindex(node) ?? detachPartition(node));
  return (effect as OutsideEffect | undefined) ?? repeatable;
}
