import { join } from "node:path";
import { systemClock } from "../lib/clock.ts";
import { identify, terminate } from "../lib/process.ts";
import { removeCluster } from "../store/embedded/remove-cluster.ts";
import { clusterStatus } from "../store/embedded/cluster-status.ts";
import { liveWorkers } from "../store/workers.ts";
import { openEnvironment } from "./environment.ts";
import { contextOf, openProject } from "./project.ts";
import type { Environment } from "./secrets.ts";
import { openState } from "./state.ts";

const WORKER_GRACE_MS = 3_000;

/**
 * Stops everything of a project on this machine and forgets it: its workers, what its targets run, and the
 * embedded state database with the whole journal. For demos and tests.
 */
export async function shutDownProject(options: {
  directory: string;
  environment: Environment;
}): Promise<void> {
  const project = await openProject(options);
  const embedded = join(project.stateDirectory, "postgres");
  if (typeof (await clusterStatus(embedded)) === "object")
    await stopWorkers(project.stateDirectory, options.environment);
  for (const name of Object.keys(project.runbook.environments)) {
    const context = contextOf(project, name);
    const opened = openEnvironment({
      context: { ...context, environment: { ...context.environment, variables: {} }, channels: [] },
      processEnvironment: options.environment,
      clock: systemClock,
      writeLine: () => undefined,
    });
    await opened.shutDown();
  }
  await removeCluster(embedded);
}

async function stopWorkers(stateDirectory: string, environment: Environment): Promise<void> {
  const embeddedOnly = { ...environment, TMINUS_DATABASE_URL: undefined };
  const state = await openState({
    stateDirectory,
    environment: embeddedOnly,
    clock: systemClock,
    log: () => undefined,
    poolSize: 1,
  });
  try {
    // Only those that live: the pid of a dead one may be another process by now.
    for (const { pid } of await liveWorkers(state.pool)) {
      const identity = identify(pid);
      if (identity !== undefined) await terminate(identity, WORKER_GRACE_MS);
    }
  } finally {
    await state.close({ stopServer: false });
  }
}
