import type { Session } from "../session/connect.ts";
import { readPool } from "./pool.ts";
import { isOwn, readSessions } from "./session-facts.ts";

/** How a database does at one moment, as far as its own statistics tell. Plain JSON. */
export type DatabaseHealth = {
  /** Connections as a share of what ordinary roles may use. */
  connectionsPercent: number;
  /** Statements that have run longer than asked for, without tminus's own. */
  slowStatements: number;
  /** Sessions that wait for a lock. */
  blockedSessions: number;
  /** Sessions of other roles of which this one may not see what they do: they are in none of the two above. */
  hiddenSessions: number;
  /** Transactions of this database since its statistics began: they only grow, unless these are reset. */
  committed: number;
  rolledBack: number;
};

/** Reads only. Pool, statements and transactions as C14 asks for them. */
export async function readHealth(session: Session, slowAfterSeconds: number): Promise<DatabaseHealth> {
  const { usedPercent } = await readPool(session);
  const others = (await readSessions(session)).filter((one) => !isOwn(one));
  const [totals] = await session.query<{ committed: number; rolledBack: number }>(
    `select xact_commit::float8 as committed, xact_rollback::float8 as "rolledBack"
     from pg_stat_database where datname = current_database()`,
  );
  // Without pg_read_all_stats even the type of another role's session is null; background workers have no role.
  const [hidden] = await session.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
     where datname = current_database() and usesysid is not null and backend_type is null`,
  );
  return {
    connectionsPercent: usedPercent,
    slowStatements: others.filter(
      ({ state, querySeconds }) => state === "active" && (querySeconds ?? 0) > slowAfterSeconds,
    ).length,
    blockedSessions: others.filter(({ blockedBy }) => blockedBy.length > 0).length,
    hiddenSessions: hidden?.count ?? 0,
    committed: totals?.committed ?? 0,
    rolledBack: totals?.rolledBack ?? 0,
  };
}
