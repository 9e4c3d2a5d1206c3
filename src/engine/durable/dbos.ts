import { DBOS, type DBOSConfig, type DLogger } from "@dbos-inc/dbos-sdk";
import { migrateSystemDatabase } from "@dbos-inc/dbos-sdk/internal/system_database";
import { GlobalLogger } from "@dbos-inc/dbos-sdk/internal/telemetry/logs";
import type { DurableEngine } from "./port.ts";

/**
 * DBOS Transact 5.3 as the durable engine. The only module that imports it; one per process, because DBOS is
 * a process-wide singleton. Its tables live in schema `dbos` of the state database.
 */

/** Raised only together with a story for the runs that are under way: another version's runs are not taken. */
const PROTOCOL = "tminus-1";
const QUEUE = "tminus-runs";
const POLL_MS = 100;
/** DBOS gives a run up after this many recoveries; a run that kills its worker each time needs a person long before. */
const MAX_RECOVERIES = 10_000;

export interface DbosOptions {
  connectionString: string;
  workerId: string;
  log: (line: string) => void;
}

export function openDbosEngine({ connectionString, workerId, log }: DbosOptions): DurableEngine {
  let execute: ((id: string) => Promise<void>) | undefined;
  const workflow = DBOS.registerWorkflow(
    async (id: string) => {
      await execute?.(id);
    },
    { name: "run", maxRecoveryAttempts: MAX_RECOVERIES },
  );
  const config: DBOSConfig = {
    name: "tminus",
    systemDatabaseUrl: connectionString,
    systemDatabasePoolSize: 5,
    applicationVersion: PROTOCOL,
    executorID: workerId,
    runMigrations: false,
    enableOTLP: false,
    logger: loggerTo(log),
  };
  return {
    async launch(callback) {
      execute = callback;
      DBOS.setConfig(config);
      await DBOS.launch();
      await DBOS.registerQueue(QUEUE, { minPollingIntervalMs: POLL_MS });
    },
    async start(id) {
      await DBOS.startWorkflow(workflow, { workflowID: id, queueName: QUEUE })(id);
    },
    async recover(deadWorker) {
      const pending = await DBOS.listWorkflows({
        status: "PENDING",
        executorId: deadWorker,
        loadInput: false,
        loadOutput: false,
      });
      const ids = pending.map(({ workflowID }) => workflowID);
      if (ids.length > 0) await DBOS.resumeWorkflows(ids, { queueName: QUEUE });
      return ids;
    },
    async close() {
      await DBOS.shutdown();
    },
  };
}

/** Creates or upgrades the engine's own tables. Call under the store's migration lock. Idempotent. */
export async function migrateDbos(connectionString: string, log: (line: string) => void): Promise<void> {
  // DBOS.migrate does the same but always writes to stdout, which belongs to the command's result.
  await migrateSystemDatabase(
    connectionString,
    new GlobalLogger(undefined, { logger: loggerTo(log) }),
    "dbos",
  );
}

/** What goes wrong is told; what goes well is in the journal. */
function loggerTo(log: (line: string) => void): DLogger {
  const quiet = (): void => undefined;
  const tell = (entry: unknown): void => log(`engine: ${String(entry)}`);
  return { info: quiet, debug: quiet, warn: tell, error: tell };
}
