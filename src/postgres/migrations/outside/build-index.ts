import type { Node } from "libpg-query";
import { TminusError } from "../../../errors.ts";
import type { Session } from "../../session/connect.ts";
import { relationOf } from "../../sql/names.ts";
import { dropConcurrently, findRelation, readIndexes, type IndexRow } from "./catalog.ts";
import type { OutsideEffect } from "./effect.ts";
import { definitionOf, readDefinitions } from "./index-definition.ts";

interface Evidence {
  /** Null: there was no such table, the database is going to say so. */
  table: number | null;
  /** Indexes of the table that are not ours. */
  before: number[];
  /** Of a statement that does not name its index: see definitionOf. */
  definition?: string | null;
}

/**
 * CREATE INDEX CONCURRENTLY. An attempt that fails leaves an invalid index, which costs every write and over
 * which IF NOT EXISTS would succeed. Ours is the index of the name; without a name the one that was not there
 * before and is defined as the statement says.
 */
export function buildIndex(node: Node): OutsideEffect<Evidence> | undefined {
  if (!("IndexStmt" in node)) return undefined;
  const statement = node.IndexStmt;
  const { idxname: name, relation, if_not_exists: ifNotExists = false } = statement;
  if (relation === undefined) return undefined;
  const candidates = async (session: Session, { table, before }: Evidence): Promise<IndexRow[]> => {
    if (table === null) return [];
    return (await readIndexes(session, table)).filter(
      ({ oid, relname }) => !before.includes(oid) && (name === undefined || relname === name),
    );
  };
  const ours = async (session: Session, evidence: Evidence): Promise<IndexRow | undefined> => {
    const found = await candidates(session, evidence);
    if (name !== undefined || found.length === 0) return found[0];
    const { table, definition } = evidence;
    if (typeof definition !== "string") throw ambiguous(found);
    const definitions = await readDefinitions(session, table!);
    const same = found.filter(({ oid }) => definitions.get(oid) === definition);
    if (same.length > 1) throw ambiguous(same);
    return same[0];
  };
  return {
    async look(session) {
      const table = await findRelation(session, relationOf(relation));
      if (table === null) return { table, before: [] };
      const indexes = await readIndexes(session, table);
      const same = name === undefined ? undefined : indexes.find(({ relname }) => relname === name);
      // With IF NOT EXISTS the author wants the index to be there: an invalid one is not.
      const isLeftover = same !== undefined && ifNotExists && !same.isValid && !same.isBeingBuilt;
      if (same !== undefined && !isLeftover && !(ifNotExists && same.isValid)) throw standsInTheWay(same);
      return {
        ...(name === undefined ? { definition: await definitionOf(session, table, statement) } : {}),
        table,
        before: indexes.filter((index) => !isLeftover || index !== same).map(({ oid }) => oid),
      };
    },
    async settle(session, evidence, say) {
      const found = await ours(session, evidence);
      if (found === undefined) return "again";
      if (found.isValid) return "done";
      say(`dropping the invalid index ${found.name} of an earlier attempt`);
      await dropConcurrently(session, found.name);
      return "again";
    },
    async isComplete(session, evidence) {
      const found = await candidates(session, evidence);
      return found.length === 0 ? ifNotExists : found.some(({ isValid }) => isValid);
    },
    async undo(session, evidence) {
      const found = await ours(session, evidence);
      if (found !== undefined) await dropConcurrently(session, found.name);
    },
  };
}

function standsInTheWay({ name, isValid, isBeingBuilt }: IndexRow): TminusError {
  const what = isBeingBuilt
    ? "another session is just building an index"
    : isValid
      ? "an index"
      : "an invalid index";
  return new TminusError(
    "MIGRATION_FAILED",
    isBeingBuilt ? `${what} of this name` : `${what} of this name exists already`,
    { hint: `Look at the index ${name}, drop it if it is not needed, and deploy again.` },
  );
}

function ambiguous(found: readonly IndexRow[]): TminusError {
  const names = found.map(({ name }) => name).join(", ");
  return new TminusError(
    "MIGRATION_FAILED",
    `it cannot be told which of ${names} an interrupted attempt built: the statement does not name its index`,
    { hint: "Drop those that are not needed, name the index in the statement, and deploy again." },
  );
}
