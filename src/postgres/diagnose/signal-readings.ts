import { UNSEEN_REPLICAS } from "../backfill/health.ts";
import type { Reading } from "../session/connect.ts";
import { readActivity, readTransactions, type DatabaseActivity } from "./health.ts";
import { readPool } from "./pool.ts";
import type { DatabaseSignal } from "./signals.ts";

/** What a look at the database's statistics found. */
export type Seen =
  | { state: "value"; value: number; max?: number }
  /** Since the statistics began. */
  | { state: "sums"; bad: number; total: number }
  | { state: "nothing"; reason: string }
  /** The role is not shown all of it: what it sees would be too little. */
  | { state: "hidden"; reason: string };

/** The signal of that name, one of those that signals.ts names. Reads only. */
export async function seeSignal(
  name: DatabaseSignal,
  reading: Reading,
  slowAfterSeconds: number,
): Promise<Seen> {
  switch (name) {
    case "pg_conn": {
      const { used, limit } = await readPool(reading);
      return { state: "value", value: used, max: limit };
    }
    case "pg_slow":
    case "pg_blocked":
    case "pg_oldest_transaction":
      return activityOf(name, await readActivity(reading, slowAfterSeconds));
    case "replica_lag":
      return readReplicaLag(reading);
    case "rollback_rate": {
      const { committed, rolledBack } = await readTransactions(reading);
      return { state: "sums", bad: rolledBack, total: committed + rolledBack };
    }
  }
}

function activityOf(name: "pg_slow" | "pg_blocked" | "pg_oldest_transaction", seen: DatabaseActivity): Seen {
  if (seen.hiddenSessions > 0) {
    const reason = `the role is not shown what ${seen.hiddenSessions} sessions do: grant it pg_read_all_stats, and leave track_activities on`;
    return { state: "hidden", reason };
  }
  const values = {
    pg_slow: seen.slowStatements,
    pg_blocked: seen.blockedSessions,
    pg_oldest_transaction: seen.oldestTransactionSeconds,
  };
  return { state: "value", value: values[name] };
}

/**
 * In bytes: the time that pg_stat_replication shows stands still when a replica stops replaying. A standby tells how
 * far it is itself behind what it received. One without a position does not replay, as pg_receivewal.
 */
async function readReplicaLag(reading: Reading): Promise<Seen> {
  const [row] = await reading.query<{ own: number | null; slowest: number | null; unseen: number }>(
    `select case when pg_is_in_recovery()
         then pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::float8 end as own,
       (select max(pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end,
            replay_lsn))::float8
          from pg_stat_replication where application_name not like 'pg_basebackup%') as slowest,
       (${UNSEEN_REPLICAS}) as unseen`,
  );
  const { own = null, slowest = null, unseen = 0 } = row ?? {};
  if (unseen > 0) {
    const reason = `the role may not see how far ${unseen} replicas are behind: grant it pg_read_all_stats`;
    return { state: "hidden", reason };
  }
  const lags = [own, slowest].filter((lag) => lag !== null);
  if (lags.length === 0) return { state: "nothing", reason: "no replica that replays is connected" };
  // A replica may have replayed a little more by the time that the server's own position is read.
  return { state: "value", value: Math.max(0, ...lags) };
}
