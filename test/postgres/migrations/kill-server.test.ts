import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { identify, isAlive } from "../../../src/lib/process.ts";
import { openCluster, type Cluster } from "../../../src/store/embedded/open-cluster.ts";
import { checkConnection } from "../../../src/postgres/session/connect.ts";
import { removeCluster } from "../../../src/store/embedded/remove-cluster.ts";
import { createThrowawayDatabase } from "../../../src/store/throwaway-postgres.ts";
import { perform } from "./kill-matrix/cases.ts";
import { FILES, writeHistory } from "./kill-matrix/history.ts";
import { forget, park } from "./kill-matrix/parking.ts";
import {
  driveMatrix,
  IS_FULL,
  makeStages,
  selectStages,
  type CreateDatabase,
  type Reached,
} from "./kill-matrix/stages.ts";
import { until } from "./world.ts";

const MINUTES = 60_000;
const WHOLE = 5;

let directory: string;
let home: string;
let cluster: Cluster;

/** What is committed is with the operating system, which lives on; it is only not waited for the disk. */
async function start(): Promise<void> {
  const settings = { fsync: "off", full_page_writes: "off", max_connections: "100" };
  cluster = await openCluster({ directory: home, clock: systemClock, settings });
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "tminus-kill-server-"));
  home = await mkdtemp(join(tmpdir(), "tminus-kill-server-home-"));
  await writeHistory(directory);
  await start();
});
afterAll(async () => {
  await removeCluster(home);
  await rm(home, { recursive: true, force: true });
  await rm(directory, { recursive: true, force: true });
});

const create: CreateDatabase = (template) => createThrowawayDatabase(cluster.connectionString, template);

let kills = 0;

/** Kills a backend, upon which the server ends all of them and recovers, and the whole server, in turns. */
async function killServer(batch: readonly Reached[]): Promise<void> {
  const runs = batch.map(({ killCase, database }) => {
    const stop = park(database.name, killCase.at);
    const ended = perform(killCase, database.url, directory).then(
      () => "ended",
      (error: unknown) => String(error),
    );
    return { killCase, database, stop, ended };
  });
  const pids = await Promise.all(
    runs.map(async ({ stop, ended, killCase }) => {
      const first = await Promise.race([stop.reached, ended]);
      if (typeof first === "string") throw new Error(`${JSON.stringify(killCase)} was not reached: ${first}`);
      return first;
    }),
  );
  for (const { killCase, stop } of runs) if (killCase.mode === "during") stop.send();
  const postmaster = cluster.postmaster;
  const isWhole = kills++ % 2 === 1;
  process.kill(isWhole ? postmaster.pid : pids[0]!, "SIGKILL");
  const backends = pids.flatMap((pid) => identify(pid) ?? []);
  await until(() => Promise.resolve(!backends.some((backend) => isAlive(backend))));
  for (const { killCase, stop } of runs) if (killCase.mode === "before") stop.send();
  await Promise.all(runs.map(({ ended }) => ended));
  for (const { database } of runs) forget(database.name);
  if (isWhole) await start();
  await until(async () => {
    const { verdict } = await checkConnection(cluster.connectionString, AbortSignal.timeout(MINUTES));
    return verdict === "pass";
  });
}

const scope = IS_FULL
  ? "at every boundary of a statement, forward and back"
  : `at every boundary of the files in pieces, forward, and of ${WHOLE} files that are one transaction (TMINUS_KILL_MATRIX=full: of all, also back)`;

describe(`a history of ${FILES.length} files whose server is killed with SIGKILL`, () => {
  it(`is in the right state after one rerun, ${scope}`, { timeout: 10 * MINUTES }, async () => {
    const stages = selectStages(await makeStages(create, directory), { whole: WHOLE, withDown: false });
    const report = await driveMatrix(stages, directory, { create, kill: killServer });
    process.stdout.write(
      `${report.kills} boundaries, ${kills} kills of the server, ${report.wrong.length} wrong\n`,
    );
    expect(report.wrong).toEqual([]);
    expect(report.kills).toBeGreaterThan(150);
  });
});
