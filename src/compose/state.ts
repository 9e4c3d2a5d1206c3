import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../lib/clock.ts";
import { toErrorRecord, TminusError } from "../errors.ts";
import { joinCluster } from "../store/embedded/join-cluster.ts";
import type { Cluster } from "../store/embedded/open-cluster.ts";
import { isMigrated, migrateStore } from "../store/migrate.ts";
import { openClient, openPool, translate, type Pool } from "../store/pool.ts";
import type { Environment } from "./secrets.ts";

const DATABASE = "tminus";

export interface State {
  connectionString: string;
  pool: Pool;
  kind: "embedded" | "shared";
  /**
   * Closes the connections. An embedded server that nobody else uses any more is stopped when
   * `stopServer` is true.
   */
  close(options: { stopServer: boolean }): Promise<void>;
}

export interface StateOptions {
  stateDirectory: string;
  environment: Environment;
  clock: Clock;
  log: (line: string) => void;
  poolSize: number;
}

/**
 * Opens the state database: the shared server that TMINUS_DATABASE_URL names, or the embedded one in the
 * state folder, started when it does not run. Brings the schema up to date. Errors: STATE_UNAVAILABLE,
 * STATE_DENIED, STATE_PLATFORM.
 */
export async function openState({
  stateDirectory,
  environment,
  clock,
  log,
  poolSize,
}: StateOptions): Promise<State> {
  const shared = environment.TMINUS_DATABASE_URL;
  if (shared !== undefined && shared !== "") {
    await ensureSchema(shared, clock, log);
    const pool = openPool(shared, poolSize, (error) => log(`state database: ${error.message}`));
    return { connectionString: shared, pool, kind: "shared", close: () => pool.end() };
  }
  await mkdir(stateDirectory, { recursive: true });
  const member = await joinCluster({ directory: join(stateDirectory, "postgres"), clock, log });
  const connectionString = await ensureDatabase(member.cluster, clock, log).catch(async (error: unknown) => {
    await member.leave({ stopServer: false });
    throw error;
  });
  const pool = openPool(connectionString, poolSize, (error) => log(`state database: ${error.message}`));
  return {
    connectionString,
    pool,
    kind: "embedded",
    async close({ stopServer }) {
      await pool.end();
      await member.leave({ stopServer });
    },
  };
}

async function ensureDatabase(cluster: Cluster, clock: Clock, log: (line: string) => void): Promise<string> {
  const connectionString = await cluster.ensureDatabase(DATABASE);
  await ensureSchema(connectionString, clock, log);
  return connectionString;
}

async function ensureSchema(
  connectionString: string,
  clock: Clock,
  log: (line: string) => void,
): Promise<void> {
  const client = await openClient(connectionString).catch((error: unknown) => {
    throw new TminusError(
      "STATE_UNAVAILABLE",
      `the state database does not answer: ${toErrorRecord(error).message}`,
      {
        cause: error,
      },
    );
  });
  try {
    if (await isMigrated(client)) return;
  } catch (error) {
    throw translate(error);
  } finally {
    await client.end();
  }
  log("preparing the state database");
  // Loaded only here: the engine's library is large, and most commands find the schema in order.
  const { migrateDbos } = await import("../engine/durable/dbos.ts");
  await migrateStore(connectionString, clock, () => migrateDbos(connectionString, log)).catch(
    (error: unknown) => {
      throw translate(error);
    },
  );
}
