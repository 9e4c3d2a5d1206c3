import type { Reading } from "../session/connect.ts";
import { readPool } from "./pool.ts";
import { isOwn, readSessions } from "./session-facts.ts";

/** How a database does at one moment, as far as its own statistics tell. Plain JSON. */
export type DatabaseHealth = Omit<DatabaseActivity, "oldestTransactionSeconds"> &
  TransactionCounts & {
    /** Connections as a share of what ordinary roles may use. */
    connectionsPercent: number;
  };

/** What the sessions of a database do at one moment, tminus's own left out. */
export type DatabaseActivity = {
  /** Statements that have run longer than asked for. */
  slowStatements: number;
  /** Sessions that wait for a lock. */
  blockedSessions: number;
  /** 0 when no transaction is open. */
  oldestTransactionSeconds: number;
  /** Sessions of which the server does not show what they do, most often of other roles: in none of the others. */
  hiddenSessions: number;
};

/** Transactions of a database since its statistics began: they only grow, unless these are reset. */
export type TransactionCounts = {
  committed: number;
  rolledBack: number;
};

/** Reads only. Pool, statements and transactions as C14 asks for them. */
export async function readHealth(session: Reading, slowAfterSeconds: number): Promise<DatabaseHealth> {
  const { usedPercent } = await readPool(session);
  const { oldestTransactionSeconds: _, ...activity } = await readActivity(session, slowAfterSeconds);
  return { connectionsPercent: usedPercent, ...activity, ...(await readTransactions(session)) };
}

/** Reads only. */
export async function readActivity(session: Reading, slowAfterSeconds: number): Promise<DatabaseActivity> {
  const others = (await readSessions(session)).filter((one) => !isOwn(one));
  // Without pg_read_all_stats even the type of another role's session is null; background workers have no role.
  // disabled: of a role or database whose track_activities is off.
  const [hidden] = await session.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
     where datname = current_database() and usesysid is not null
       and (backend_type is null or state = 'disabled')`,
  );
  return {
    slowStatements: others.filter(
      ({ state, querySeconds }) => state === "active" && (querySeconds ?? 0) > slowAfterSeconds,
    ).length,
    blockedSessions: others.filter(({ blockedBy }) => blockedBy.length > 0).length,
    oldestTransactionSeconds: Math.max(0, ...others.map(({ transactionSeconds }) => transactionSeconds ?? 0)),
    hiddenSessions: hidden?.count ?? 0,
  };
}

/** Reads only. */
export async function readTransactions(session: Reading): Promise<TransactionCounts> {
  const [totals] = await session.query<TransactionCounts>(
    `select xact_commit::float8 as committed, xact_rollback::float8 as "rolledBack"
     from pg_stat_database where datname = current_database()`,
  );
  return totals ?? { committed: 0, rolledBack: 0 };
}
