import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { systemClock } from "../src/lib/clock.ts";
import { applyMigrations } from "../src/postgres/migrations/apply.ts";
import { parseMigration } from "../src/postgres/migrations/parse-migration.ts";
import { openCluster } from "../src/store/embedded/open-cluster.ts";
import { removeCluster } from "../src/store/embedded/remove-cluster.ts";
import { createThrowawayDatabase } from "../src/store/throwaway-postgres.ts";
import type { Benchmark } from "./benchmark.ts";
import { runChild } from "./support/run-child.ts";
import { rounded } from "./support/statistics.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

const RATE = 300;
const CONNECTIONS = 16;
const ROWS = 10_000;
const READER_MS = 6_000;
const BEFORE_MS = 500;
const AFTER_MS = 500;
const QUIET_MS = 2_000;
const STALL_MS = 100;
const ADD_COLUMN = "alter table busy add column added text";

/** What others notice of ADD COLUMN on a busy table while somebody reads it for long: ours, and the plain statement. */
export const lockqueue: Benchmark = {
  name: "lockqueue",
  summary:
    "The longest stall of point updates while ADD COLUMN waits behind a reader, over that of the plain statement.",
  async run(say, signal) {
    await using cleanUp = new AsyncDisposableStack();
    const folder = await temporaryFolder(cleanUp);
    const directory = join(folder, "postgres");
    cleanUp.defer(() => removeCluster(directory));
    const { connectionString } = await openCluster({ directory, clock: systemClock, signal });
    const measured: Record<string, Measured> = {};
    for (const [name, addColumn] of Object.entries({ naive: plainly, tminus: withTminus })) {
      const { url } = await createThrowawayDatabase(connectionString);
      measured[name] = await measure(url, join(folder, `stop-${name}`), { addColumn, signal });
      const { maxStallMs, doneAfterReaderMs, quietMaxMs } = measured[name];
      say(
        `${name}: longest stall ${maxStallMs} ms (${quietMaxMs} ms before), done ${doneAfterReaderMs} ms after the reader`,
      );
    }
    const { naive, tminus } = measured as { naive: Measured; tminus: Measured };
    return {
      ratios: { stallOverNaive: rounded(tminus.maxStallMs / naive.maxStallMs, 4) },
      figures: {
        ...tminus,
        naiveMaxStallMs: naive.maxStallMs,
        naiveStalledPercent: naive.stalledPercent,
        naiveDoneAfterReaderMs: naive.doneAfterReaderMs,
      },
    };
  },
};

type Measured = {
  /** From the begin of ADD COLUMN until shortly after its end. */
  maxStallMs: number;
  /** Requests that took longer than 100 ms. */
  stalledPercent: number;
  p99Ms: number;
  /** The same load before that: what the machine does by itself. */
  quietMaxMs: number;
  doneAfterReaderMs: number;
  requests: number;
};

interface Measurement {
  addColumn(url: string, signal: AbortSignal): Promise<void>;
  signal: AbortSignal;
}

async function measure(url: string, stopFile: string, { addColumn, signal }: Measurement): Promise<Measured> {
  await using reader = await openClient(url);
  await reader.client.query(
    `create table busy (id int primary key, n int not null); insert into busy select n, 0 from generate_series(1, ${ROWS}) n`,
  );
  const load = runChild(
    new URL("./support/lock-load-child.ts", import.meta.url),
    [url, RATE, CONNECTIONS, ROWS, stopFile],
    signal,
  );
  // Awaited below; a failure before that is not to end the process.
  load.catch(() => undefined);
  let from: number;
  let doneAt = 0;
  let readerEndedAt: number;
  try {
    await untilWorking(reader.client, signal);
    await systemClock.sleep(QUIET_MS, signal);
    await reader.client.query("begin; select count(*) from busy");
    await systemClock.sleep(BEFORE_MS, signal);
    from = systemClock.now().getTime();
    const adding = addColumn(url, signal).then(() => (doneAt = systemClock.now().getTime()));
    adding.catch(() => undefined);
    await systemClock.sleep(READER_MS - BEFORE_MS, signal);
    await reader.client.query("commit");
    readerEndedAt = systemClock.now().getTime();
    await adding;
    await systemClock.sleep(AFTER_MS, signal);
  } finally {
    await writeFile(stopFile, "");
  }
  const times = JSON.parse(await load) as [number, number][];
  const during = times.filter(([at]) => at >= from).map(([, ms]) => ms);
  const before = times.filter(([at]) => at < from - BEFORE_MS && at > from - BEFORE_MS - QUIET_MS / 2);
  return {
    maxStallMs: Math.max(...during),
    stalledPercent: rounded((100 * during.filter((ms) => ms > STALL_MS).length) / during.length, 1),
    p99Ms: during.toSorted((a, b) => a - b)[Math.floor(during.length * 0.99)]!,
    quietMaxMs: Math.max(...before.map(([, ms]) => ms)),
    doneAfterReaderMs: doneAt - readerEndedAt,
    requests: times.length,
  };
}

async function plainly(url: string): Promise<void> {
  await using session = await openClient(url);
  await session.client.query(ADD_COLUMN);
}

async function withTminus(url: string, signal: AbortSignal): Promise<void> {
  const parsed = parseMigration("1_add.sql", `-- tminus: up\n${ADD_COLUMN};\n`);
  if (!("migration" in parsed)) throw new Error(parsed.problems.join("\n"));
  await applyMigrations([parsed.migration], {
    connectionString: url,
    fence: { environment: "bench", token: 1 },
    runKey: "bench",
    appliedBy: "bench",
    lockTimeoutMs: 2_000,
    lockRetries: 20,
    statementTimeoutMs: 60_000,
    clock: systemClock,
    signal,
    progress: () => undefined,
  });
}

async function openClient(url: string): Promise<AsyncDisposable & { client: pg.Client }> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  return { client, [Symbol.asyncDispose]: () => client.end() };
}

async function untilWorking(client: pg.Client, signal: AbortSignal): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const { rows } = await client.query<{ done: boolean }>("select sum(n) > 100 as done from busy");
    if (rows[0]!.done) return;
    await systemClock.sleep(20, signal);
  }
  throw new Error("the load did not begin");
}
