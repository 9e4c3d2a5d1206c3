import { systemClock } from "../../src/lib/clock.ts";
import { openCluster } from "../../src/store/embedded/open-cluster.ts";
import { removeCluster } from "../../src/store/embedded/remove-cluster.ts";
import { migrateDbos } from "../../src/engine/durable/dbos.ts";
import { migrateStore } from "../../src/store/migrate.ts";

/**
 * Starts a server of its own over `directory` with the settings that users get (it waits for the disk), and
 * makes the state database there. The server and its data are gone when `cleanUp` is disposed of.
 * Returns the connection string.
 */
export async function openStateDatabase(
  directory: string,
  cleanUp: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<string> {
  cleanUp.defer(() => removeCluster(directory));
  const cluster = await openCluster({ directory, clock: systemClock, signal });
  const url = await cluster.ensureDatabase("tminus");
  await migrateStore(url, systemClock, () => migrateDbos(url, () => undefined));
  return url;
}
