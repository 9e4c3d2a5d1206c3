import { deadline, type Clock } from "../../lib/clock.ts";
import { openSession, type Session } from "../session/connect.ts";
import type { Leaf } from "./backfill.ts";
import { openCommitProbe, type CommitCount } from "./commit-probe.ts";

/** How the database feels to others while the backfill works. */
export interface Health {
  /** Of reading one page over a connection of its own: 95th of the last hundred. 0 when nothing was measured. */
  probeP95Ms: number;
  /** The same before the first batch. */
  calmP95Ms: number;
  /** Of the whole server. */
  walBytesPerSecond: number;
  /** What the slowest replica has not replayed yet; 0 without replicas. */
  replicaLagBytes: number;
  /** Replicas whose lag the role may not see. */
  unseenReplicas: number;
  replicas: number;
  /** Dead rows among all rows of the table, by the statistics; 0 to 1. */
  deadShare: number;
}

export interface HealthWatch extends AsyncDisposable {
  latest(): Health;
  /** The commits of the probe since the last call. */
  takeCommits(): CommitCount;
  /** Lets a VACUUM be done by whoever asks, and does not trust the share of dead rows for a while after it. */
  vacuumed(): void;
}

export interface HealthOptions {
  connectionString: string;
  clock: Clock;
  oid: number;
  leaves: readonly Leaf[];
}

const PROBE_EVERY_MS = 25;
const LOOK_EVERY_MS = 1_000;
const CALM_PROBES = 20;
const KEPT_PROBES = 100;
const QUERY_TIMEOUT_MS = 5_000;
/** After a VACUUM that could not remove anything (an old snapshot keeps it), the next one waits this long. */
const VACUUM_EVERY_MS = 120_000;

export const CALM: Health = {
  probeP95Ms: 0,
  calmP95Ms: 0,
  walBytesPerSecond: 0,
  replicaLagBytes: 0,
  unseenReplicas: 0,
  replicas: 0,
  deadShare: 0,
};

/**
 * Watches until disposed of. Measures the calm first. When the database does not answer, the last that was seen
 * stays: the batches then fail by themselves.
 */
export async function watchHealth(options: HealthOptions): Promise<HealthWatch> {
  const { clock } = options;
  const stopping = new AbortController();
  const session = await openSession({
    connectionString: options.connectionString,
    purpose: "backfill probe",
    statementTimeoutMs: QUERY_TIMEOUT_MS,
  });
  const state = { health: CALM, vacuumedAt: -Infinity };
  const probes: number[] = [];
  const probe = async (): Promise<void> => {
    const startedMs = clock.monotonicMs();
    await readPage(session, options.leaves, probes.length);
    probes.push(clock.monotonicMs() - startedMs);
    if (probes.length > KEPT_PROBES) probes.shift();
  };
  const commits = await openCommitProbe(session, clock);
  for (let count = 0; count < CALM_PROBES; count++) await probe();
  state.health = { ...CALM, calmP95Ms: percentile95(probes) };
  const watching = (async () => {
    let lookedMs = -Infinity;
    let before: Look | undefined;
    while (!stopping.signal.aborted) {
      await probe();
      await commits.probe();
      state.health = { ...state.health, probeP95Ms: percentile95(probes) };
      if (clock.monotonicMs() - lookedMs >= LOOK_EVERY_MS) {
        lookedMs = clock.monotonicMs();
        const look = await readLook(session, options.oid);
        state.health = { ...state.health, ...healthOf(look, before) };
        before = look;
      }
      await clock.sleep(PROBE_EVERY_MS, deadline(QUERY_TIMEOUT_MS, stopping.signal));
    }
  })().catch(() => undefined); // ends by disposal, or with the connection: then the batches tell
  return {
    latest() {
      const trusted = clock.monotonicMs() - state.vacuumedAt > VACUUM_EVERY_MS;
      return trusted ? state.health : { ...state.health, deadShare: 0 };
    },
    takeCommits: () => commits.take(),
    vacuumed() {
      state.vacuumedAt = clock.monotonicMs();
    },
    async [Symbol.asyncDispose]() {
      stopping.abort(new Error("stopped"));
      await watching;
      await session[Symbol.asyncDispose]();
    },
  };
}

/** SQL for how many replicas there are whose lag the role may not see. */
export const UNSEEN_REPLICAS = `select count(*)::int from pg_stat_replication
  where application_name not like 'pg_basebackup%' and not pg_has_role('pg_read_all_stats', 'usage')`;

interface Look {
  at: number;
  wal: number;
  lag: number;
  replicas: number;
  unseen: number;
  dead: number;
}

/**
 * Who may not see the replicas sees that they are there, without their positions. For whoever may, one without a
 * position does not replay, as pg_receivewal.
 */
async function readLook(session: Session, oid: number): Promise<Look> {
  const [row] = await session.query<Look>(
    `select extract(epoch from clock_timestamp())::float8 as at,
       pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as wal,
       (select coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)), 0)::float8 from pg_stat_replication
          where application_name not like 'pg_basebackup%') as lag,
       (select count(*)::int from pg_stat_replication) as replicas,
       (${UNSEEN_REPLICAS}) as unseen,
       (select coalesce(sum(n_dead_tup)::float8 / nullif(sum(n_dead_tup) + sum(n_live_tup), 0), 0) from pg_stat_user_tables
          where relid = $1::oid or relid in (select relid from pg_partition_tree($1::oid))) as dead`,
    [oid],
  );
  return row!;
}

function healthOf(
  look: Look,
  before: Look | undefined,
): Pick<Health, "walBytesPerSecond" | "replicaLagBytes" | "unseenReplicas" | "replicas" | "deadShare"> {
  const seconds = before === undefined ? 0 : look.at - before.at;
  return {
    walBytesPerSecond: before === undefined || seconds <= 0 ? 0 : (look.wal - before.wal) / seconds,
    replicaLagBytes: look.lag,
    unseenReplicas: look.unseen,
    replicas: look.replicas,
    deadShare: look.dead,
  };
}

/** Pages all over the table, as a reader by key would touch them. */
async function readPage(session: Session, leaves: readonly Leaf[], count: number): Promise<void> {
  const leaf = leaves[count % Math.max(1, leaves.length)];
  if (leaf === undefined) return;
  const page = leaf.pages === 0 ? 0 : (count * 7919) % leaf.pages;
  await session.query(`select 1 from only ${leaf.name} where ctid = '(${page},1)'`);
}

function percentile95(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.95))] ?? 0;
}
