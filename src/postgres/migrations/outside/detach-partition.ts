import type { Node } from "libpg-query";
import { relationOf } from "../../sql/names.ts";
import { findRelation } from "./catalog.ts";
import type { OutsideEffect } from "./effect.ts";

interface Evidence {
  parent: number | null;
  child: number | null;
  wasAttached: boolean;
}

/** ALTER TABLE … DETACH PARTITION … CONCURRENTLY. Interrupted in its middle it is pending, and FINALIZE ends it. */
export function detachPartition(node: Node): OutsideEffect<Evidence> | undefined {
  if (!("AlterTableStmt" in node) || node.AlterTableStmt.relation === undefined) return undefined;
  const [command] = node.AlterTableStmt.cmds ?? [];
  const definition =
    command !== undefined && "AlterTableCmd" in command ? command.AlterTableCmd.def : undefined;
  if (definition === undefined || !("PartitionCmd" in definition)) return undefined;
  const parentName = relationOf(node.AlterTableStmt.relation);
  const childName = definition.PartitionCmd.name;
  if (childName === undefined) return undefined;
  return {
    async look(session) {
      const parent = await findRelation(session, parentName);
      const child = await findRelation(session, relationOf(childName));
      const rows = await session.query(
        "select from pg_inherits where inhrelid = $1::int8::oid and inhparent = $2::int8::oid",
        [child, parent],
      );
      return { parent, child, wasAttached: rows.length > 0 };
    },
    async settle(session, { parent, child, wasAttached }, say) {
      if (!wasAttached) return "again";
      const [row] = await session.query<{ pending: boolean; parent: string; child: string }>(
        `select inhdetachpending as pending, inhparent::regclass::text as parent, inhrelid::regclass::text as child
         from pg_inherits where inhrelid = $1::int8::oid and inhparent = $2::int8::oid`,
        [child, parent],
      );
      if (row === undefined) return "done";
      if (!row.pending) return "again";
      say(`ending the detachment of ${row.child} that an earlier attempt began`);
      await session.query(`alter table ${row.parent} detach partition ${row.child} finalize`);
      return "done";
    },
  };
}
