import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../src/lib/clock.ts";
import { backfillSchema } from "../src/model/backfill.ts";
import { runBackfill } from "../src/postgres/backfill/run-backfill.ts";
import { openSession, type Session } from "../src/postgres/session/connect.ts";
import { openCluster } from "../src/store/embedded/open-cluster.ts";
import { removeCluster } from "../src/store/embedded/remove-cluster.ts";
import { createThrowawayDatabase } from "../src/store/throwaway-postgres.ts";
import type { Benchmark } from "./benchmark.ts";
import { runChild } from "./support/run-child.ts";
import { rounded } from "./support/statistics.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

/** What two busy cores make and fill twice within the limit of a benchmark. */
const DEFAULT_ROWS = 1_000_000;
const RATE = 300;
const CONNECTIONS = 8;
const SETTLE_MS = 2_000;
/** 6,600 updates: enough for a 99th percentile that means something. */
const IDLE_MS = 22_000;
/** Five million rows. */
const LIMIT_MS = 420_000;
const TIMEOUT_MS = 3_600_000;

/** What PGTune (https://pgtune.leopard.in.ua) gives a server of 4 GB that serves web requests, and others choose, too. */
const SERVER = { shared_buffers: "1GB", min_wal_size: "1GB", max_wal_size: "4GB" };
const WAL_MEGABYTES = 4096;
const MESSAGE_MEGABYTES = 16;

/**
 * A column filled beside 300 point updates per second, in an open loop: by a backfill, and by one UPDATE of an equal
 * table with a trigger that does the same. TMINUS_BENCH_ROWS sets the size: 5000000 are about 780 MB a table. The
 * writers are a process of their own.
 *
 * What the writers wait for is the write-ahead log, not rows (docs/benchmarks.md). Above all, whoever writes past
 * the files that the log has makes a new one of 16 MB and keeps every commit waiting meanwhile. A server that has
 * been busy for a while uses old files again, so the log is filled once before; TMINUS_BENCH_WAL=new leaves that out.
 */
export const backfill: Benchmark = {
  name: "backfill",
  summary:
    "Rows filled per second beside writers over one UPDATE with the trigger, and what the writers feel.",
  limitMs: LIMIT_MS,
  async run(say, signal) {
    await using cleanUp = new AsyncDisposableStack();
    const folder = await temporaryFolder(cleanUp);
    const directory = join(folder, "postgres");
    cleanUp.defer(() => removeCluster(directory));
    const { connectionString } = await openCluster({
      directory,
      clock: systemClock,
      signal,
      settings: SERVER,
    });
    const { url } = await createThrowawayDatabase(connectionString);
    const rows = Number(process.env.TMINUS_BENCH_ROWS ?? DEFAULT_ROWS);
    const place = { url, folder, rows, signal };
    const measured: Record<string, Measured> = {};
    if (process.env.TMINUS_BENCH_WAL !== "new") {
      say("filling the write-ahead log once");
      await inSession(place, fillLog);
    }
    for (const [table, fill] of Object.entries({ plain: onePlainUpdate, ours: withTminus })) {
      say(`${table}: making ${rows} rows`);
      await inSession(place, (session) => makeTable(session, table, rows));
      measured[table] = await measure(place, table, fill);
      const { seconds, p99Ms, idleP99Ms } = measured[table];
      say(`${table}: filled in ${seconds.toFixed(1)} s; writers' p99 ${p99Ms} ms (${idleP99Ms} ms before)`);
      // Its dead rows are not to be cleaned up while the other one works.
      await inSession(place, (session) =>
        session.query(`alter table ${table} set (autovacuum_enabled = off)`),
      );
    }
    const { ours, plain } = measured as { ours: Measured; plain: Measured };
    return {
      ratios: {
        throughputOverOneUpdate: rounded(plain.seconds / ours.seconds, 2),
        writersP99OverIdle: rounded(ours.p99Ms / ours.idleP99Ms, 2),
      },
      figures: {
        rows,
        missed: ours.missed,
        rowsPerSecond: Math.round(rows / ours.seconds),
        writersP50Ms: ours.p50Ms,
        writersP99Ms: ours.p99Ms,
        writersMaxMs: ours.maxMs,
        idleP99Ms: ours.idleP99Ms,
        idleMaxMs: ours.idleMaxMs,
        idleUpdates: ours.idleUpdates,
        walMegabytes: ours.walMegabytes,
        newWalFiles: ours.newWalFiles,
        checkpoints: ours.checkpoints,
        oneUpdateRowsPerSecond: Math.round(rows / plain.seconds),
        oneUpdateWritersP99Ms: plain.p99Ms,
        oneUpdateIdleP99Ms: plain.idleP99Ms,
      },
    };
  },
};

interface Place {
  url: string;
  folder: string;
  rows: number;
  signal: AbortSignal;
}

type Measured = {
  seconds: number;
  /** Rows without the value, after the writers ended. */
  missed: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  /** The same load before that. */
  idleP99Ms: number;
  idleMaxMs: number;
  idleUpdates: number;
  /** Of the whole server, while the table was filled. */
  walMegabytes: number;
  newWalFiles: number;
  checkpoints: number;
};

interface ServerCounts {
  megabytes: number;
  files: number;
  checkpoints: number;
}

async function measure(
  place: Place,
  table: string,
  fill: (place: Place, table: string) => Promise<void>,
): Promise<Measured> {
  const { url, folder, rows, signal } = place;
  const stopFile = join(folder, `stop-${table}`);
  const update = `update ${table} set email = 'Changed-' || clock_timestamp() || '@Example.com' where id = $1`;
  const load = runChild(
    new URL("./support/lock-load-child.ts", import.meta.url),
    [url, RATE, CONNECTIONS, rows, stopFile, update],
    signal,
    TIMEOUT_MS,
  );
  // Awaited below; a failure before that is not to end the process.
  load.catch(() => undefined);
  let from: number;
  let seconds: number;
  let before: ServerCounts;
  try {
    await systemClock.sleep(SETTLE_MS + IDLE_MS, signal);
    before = await inSession(place, countServer);
    from = systemClock.now().getTime();
    const startedMs = systemClock.monotonicMs();
    await fill(place, table);
    seconds = (systemClock.monotonicMs() - startedMs) / 1000;
  } finally {
    await writeFile(stopFile, "");
  }
  const times = JSON.parse(await load) as [number, number][];
  const during = sorted(times.filter(([due]) => due >= from && due < from + seconds * 1000));
  const idle = sorted(times.filter(([due]) => due >= from - IDLE_MS && due < from));
  const after = await inSession(place, countServer);
  const [row] = await inSession(place, (session) =>
    session.query<{ missed: number }>(
      `select count(*)::int as missed from ${table} where handle is distinct from lower(email)`,
    ),
  );
  return {
    seconds,
    missed: row!.missed,
    p50Ms: share(during, 0.5),
    p99Ms: share(during, 0.99),
    maxMs: during.at(-1) ?? NaN,
    idleP99Ms: share(idle, 0.99),
    idleMaxMs: idle.at(-1) ?? NaN,
    idleUpdates: idle.length,
    walMegabytes: Math.round(after.megabytes - before.megabytes),
    newWalFiles: after.files - before.files,
    checkpoints: after.checkpoints - before.checkpoints,
  };
}

async function countServer(session: Session): Promise<ServerCounts> {
  const [row] = await session.query<ServerCounts>(
    `select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 / 1048576 as megabytes, num_done::int as checkpoints,
       (select sum(writes)::int from pg_stat_io where object = 'wal' and context = 'init') as files from pg_stat_checkpointer`,
  );
  return row!;
}

/** As much as the server keeps of it: the checkpoints that follow use the files again. */
async function fillLog(session: Session): Promise<void> {
  for (let written = 0; written < WAL_MEGABYTES; written += MESSAGE_MEGABYTES)
    await session.query("select pg_logical_emit_message(false, 'bench', repeat('x', $1))", [
      MESSAGE_MEGABYTES * 1024 * 1024,
    ]);
  await session.query("checkpoint");
}

async function makeTable(session: Session, table: string, rows: number): Promise<void> {
  await session.query(
    `create table ${table} (id bigint not null, email text not null, note text not null, handle text)`,
  );
  await session.query(
    `insert into ${table} select n, 'Person-' || n || '@Example.com', repeat(md5(n::text), 3) from generate_series(1, ${rows}) n`,
  );
  await session.query(`alter table ${table} add primary key (id)`);
  await session.query(`vacuum analyze ${table}`);
  await session.query("checkpoint");
}

/** One for each use: a session that idles while a table is filled is ended by the server. */
async function inSession<T>({ url, signal }: Place, work: (session: Session) => Promise<T>): Promise<T> {
  await using session = await openSession({
    connectionString: url,
    purpose: "bench",
    statementTimeoutMs: TIMEOUT_MS,
    signal,
  });
  // Awaited here, because the session ends with this function.
  return await work(session);
}

async function onePlainUpdate(place: Place, table: string): Promise<void> {
  await inSession(place, async (session) => {
    await session.query(
      `create function fill_handle() returns trigger language plpgsql as $$ begin new.handle := lower(new.email); return new; end $$`,
    );
    await session.query(
      `create trigger fill before insert or update on ${table} for each row execute function fill_handle()`,
    );
    await session.query(`update ${table} set handle = lower(email)`);
  });
}

/** The trigger is kept: the writers go on for a moment, and their rows count, too. */
async function withTminus({ url, signal }: Place, table: string): Promise<void> {
  const settings = { table, set: { handle: "lower(email)" }, trigger: "keep" };
  await runBackfill(backfillSchema.parse(settings), {
    connectionString: url,
    fence: { environment: "bench", token: 1 },
    runKey: "bench",
    startedBy: "bench",
    clock: systemClock,
    signal,
    progress: () => undefined,
  });
}

function sorted(times: readonly [number, number][]): number[] {
  return times.map(([, ms]) => ms).toSorted((a, b) => a - b);
}

function share(values: readonly number[], part: number): number {
  return values[Math.min(values.length - 1, Math.floor(values.length * part))] ?? NaN;
}
