import { sqlStateOf, type Session } from "../session/connect.ts";
import {
  grantAll,
  isSame,
  readGrants,
  rebuildGrants,
  revokeWrites,
  writesOf,
  type Grants,
} from "./grants.ts";
import type { SnapshotRow } from "./snapshot.ts";

/** Whether the table's grants are still those that turning the mode on left. Reads only. */
export async function isAsLeft(session: Session, { oid, revoked, during }: SnapshotRow): Promise<boolean> {
  return !revoked || isSame(await readGrants(session, oid), during);
}

/**
 * Revokes what lets others write, in the caller's transaction, unless what was before could then not be restored
 * exactly, which is tried first. `known`: the row of an earlier time, whose `before` is kept.
 */
export async function takeGrants(
  session: Session,
  table: string,
  { oid, known }: { oid: number; known: SnapshotRow | undefined },
): Promise<SnapshotRow> {
  const now = await readGrants(session, oid);
  if (known !== undefined) {
    if (!known.revoked || isSame(now, known.during)) return known;
    await revokeWrites(session, table, now);
    return { ...known, during: await readGrants(session, oid), changed: true };
  }
  await session.query("savepoint tried");
  try {
    const during = await revoked(session, table, now, oid);
    await rebuildGrants(session, table, now, during);
    if (isSame(await readGrants(session, oid), now)) {
      await session.query("rollback to savepoint tried");
      await revokeWrites(session, table, now);
      return { oid, title: table, before: now, during, revoked: true, changed: false };
    }
  } catch (error) {
    // Such as a grantor whose role this one may not take. Locks and losses are not about the grants.
    if (!/^(42|0L|2B)/.test(sqlStateOf(error) ?? "")) throw error;
  }
  await session.query("rollback to savepoint tried");
  return { oid, title: table, before: now, during: now, revoked: false, changed: false };
}

/** Grants what was revoked, in the caller's transaction. Answers what is not as it was, for people. */
export async function restoreGrants(session: Session, table: string, row: SnapshotRow): Promise<string[]> {
  const now = await readGrants(session, row.oid);
  const isUntouched = !row.changed && isSame(now, row.during);
  if (!isUntouched) {
    const gone = await grantAll(session, table, writesOf(row.before));
    return [
      `${table}: its grants were changed meanwhile; those stay, and what was revoked is granted again`,
      ...gone.map(
        ({ privilege, grantee }) =>
          `${table}: ${privilege} not granted to ${grantee ?? "public"}: a role is gone`,
      ),
    ];
  }
  if (isSame(now, row.before)) return [];
  await rebuildGrants(session, table, row.before, now);
  if (isSame(await readGrants(session, row.oid), row.before)) return [];
  return [`${table}: its grants are not exactly those of before, because roles were renamed or dropped`];
}

async function revoked(session: Session, table: string, now: Grants, oid: number): Promise<Grants> {
  await revokeWrites(session, table, now);
  return readGrants(session, oid);
}
