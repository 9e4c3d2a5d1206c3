import { openScratch } from "../src/compose/scratch.ts";
import { systemClock } from "../src/lib/clock.ts";
import { copyIn, copyOut } from "../src/postgres/backup/copy.ts";
import { dumpDatabase } from "../src/postgres/backup/dump.ts";
import { filesOf } from "../src/postgres/backup/files.ts";
import { proveBackup } from "../src/postgres/backup/prove.ts";
import { openSession, type Session } from "../src/postgres/session/connect.ts";
import { openThrowawayPostgres, type ThrowawayPostgres } from "../src/store/throwaway-postgres.ts";
import type { Benchmark } from "./benchmark.ts";
import { rounded } from "./support/statistics.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

/** What a busy machine makes, backs up and proves within a minute. */
const DEFAULT_MEGABYTES = 400;
/** Of the database, with its indexes. */
const ROWS_PER_MEGABYTE = 4_350;
const JOBS = 2;
const STATEMENT_TIMEOUT_MS = 3_600_000;

/** Making the database, a backup, its proof and the plain COPY, on a machine that does other things, too. */
const MS_PER_MEGABYTE = 400;
const LEAST_LIMIT_MS = 180_000;

const TABLES = ["public.customers", "public.orders"];

/**
 * How long it takes until a backup may be relied on: dumped, restored with its indexes and constraints, and
 * every row compared; over reading all rows and writing them into another database by one plain COPY each, without
 * indexes, files or comparison. TMINUS_BENCH_MEGABYTES sets the size of the database: 2000 for the goal of 25 s.
 */
export const backup: Benchmark = {
  name: "backup",
  summary: "A backup and its proof over one plain COPY out and in of the same rows.",
  get limitMs() {
    return Math.max(LEAST_LIMIT_MS, megabytesAsked() * MS_PER_MEGABYTE);
  },
  async run(say, signal) {
    await using cleanUp = new AsyncDisposableStack();
    const directory = await temporaryFolder(cleanUp);
    const server = await openThrowawayPostgres();
    cleanUp.defer(() => server.close());
    const megabytes = megabytesAsked();
    say(`making a database of about ${megabytes} MB`);
    const source = await server.url();
    const { bytes, rows } = await fill(source, Math.round(megabytes * ROWS_PER_MEGABYTE));

    // As a run has it: its server is started by the proof.
    const scratch = openScratch({});
    cleanUp.defer(() => scratch.close());
    say("backing up and proving");
    const limits = {
      jobs: JOBS,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      clock: systemClock,
      signal,
      progress: say,
    };
    const startedMs = systemClock.monotonicMs();
    const { folder, manifest } = await dumpDatabase({
      ...limits,
      connectionString: source,
      directory,
      key: null,
      label: "bench",
      exclude: [],
    });
    const dumpedMs = systemClock.monotonicMs();
    const { proof } = (await proveBackup(folder, { ...limits, scratch })).manifest;
    const provenMs = systemClock.monotonicMs();

    say("the same rows by plain COPY");
    const copySeconds = await copyRoundTrip(source, server);
    const totalSeconds = (provenMs - startedMs) / 1000;
    return {
      ratios: { overCopyRoundTrip: rounded(totalSeconds / copySeconds, 2) },
      figures: {
        dumpSeconds: rounded((dumpedMs - startedMs) / 1000, 2),
        proofSeconds: rounded((provenMs - dumpedMs) / 1000, 2),
        restoreSeconds: rounded(proof?.restoreSeconds ?? 0, 2),
        compareSeconds: rounded(proof?.compareSeconds ?? 0, 2),
        totalSeconds: rounded(totalSeconds, 2),
        copyRoundTripSeconds: rounded(copySeconds, 2),
        databaseBytes: bytes,
        backupBytes: filesOf(manifest).reduce((sum, file) => sum + file.bytes, 0),
        rows,
      },
    };
  },
};

function megabytesAsked(): number {
  return Number(process.env.TMINUS_BENCH_MEGABYTES ?? DEFAULT_MEGABYTES);
}

async function fill(connectionString: string, rows: number): Promise<{ bytes: number; rows: number }> {
  await using session = await open(connectionString);
  const customers = Math.round(rows / 5);
  await session.query(
    `create table customers (id bigint generated always as identity primary key, email text not null, name text not null,
       created timestamptz not null, notes text);
     create table orders (id bigint generated always as identity primary key, customer bigint not null, total numeric(12, 2) not null,
       state text not null, placed timestamptz not null, token uuid not null, note text)`,
  );
  await session.query(
    `insert into customers (email, name, created, notes)
     select 'customer' || g || '@example.com', 'Customer ' || md5(g::text), '2020-01-01'::timestamptz + g * interval '1 minute', repeat(md5((g * 7)::text), 3)
     from generate_series(1, ${customers}) g`,
  );
  await session.query(
    `insert into orders (customer, total, state, placed, token, note)
     select 1 + (g::bigint * 7919) % ${customers}, (g % 100000) / 100.0, (array['new', 'paid', 'sent', 'done'])[1 + g % 4],
       '2024-01-01'::timestamptz + g * interval '10 seconds', md5(g::text)::uuid, 'note ' || md5((g * 3)::text)
     from generate_series(1, ${rows}) g`,
  );
  await session.query(
    `create index orders_customer on orders (customer); create index orders_placed on orders (placed);
     create unique index customers_email on customers (email);
     alter table orders add foreign key (customer) references customers`,
  );
  await session.query("vacuum analyze");
  const [size] = await session.query<{ bytes: string }>(
    "select pg_database_size(current_database())::text as bytes",
  );
  return { bytes: Number(size!.bytes), rows: rows + customers };
}

/** Reads all rows and drops them, and writes them into a database without indexes; one connection at a time. */
async function copyRoundTrip(source: string, server: ThrowawayPostgres): Promise<number> {
  const target = await server.createDatabase();
  await using from = await open(source);
  await using into = await open(target.url);
  await into.query(
    `create table customers (id bigint, email text, name text, created timestamptz, notes text);
     create table orders (id bigint, customer bigint, total numeric(12, 2), state text, placed timestamptz, token uuid, note text)`,
  );
  const startedMs = systemClock.monotonicMs();
  for (const table of TABLES) {
    for await (const _chunk of copyOut(from, `copy ${table} to stdout (format binary)`));
    await copyIn(
      into,
      `copy ${table} from stdin (format binary)`,
      copyOut(from, `copy ${table} to stdout (format binary)`),
    );
  }
  return (systemClock.monotonicMs() - startedMs) / 1000;
}

function open(connectionString: string): Promise<Session> {
  return openSession({ connectionString, purpose: "bench", statementTimeoutMs: STATEMENT_TIMEOUT_MS });
}
