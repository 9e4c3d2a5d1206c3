import type { Node } from "libpg-query";
import { nameIn } from "../../sql/names.ts";
import { findRelation } from "./catalog.ts";
import type { OutsideEffect } from "./effect.ts";

interface Evidence {
  index: number | null;
}

/** DROP INDEX CONCURRENTLY. Interrupted it leaves the index invalid; the statement then goes on with it. */
export function dropIndex(node: Node): OutsideEffect<Evidence> | undefined {
  if (!("DropStmt" in node) || node.DropStmt.removeType !== "OBJECT_INDEX") return undefined;
  const name = nameIn(node.DropStmt.objects?.[0]);
  if (name === undefined) return undefined;
  return {
    look: async (session) => ({ index: await findRelation(session, name) }),
    async settle(session, { index }) {
      if (index === null) return "again";
      const left = await session.query("select from pg_class where oid = $1::int8::oid", [index]);
      return left.length === 0 ? "done" : "again";
    },
  };
}
