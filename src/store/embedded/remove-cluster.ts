import { existsSync, realpathSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { systemClock, type Clock } from "../../lib/clock.ts";
import { withClaim } from "./claim.ts";
import { claimFolder, findHome, removePointer } from "./cluster-home.ts";
import { serverAccount } from "./server-account.ts";
import { stopServer } from "./server.ts";
import { socketFolderPath } from "./socket-folder.ts";
import { CLAIM_TIMEOUT_MS } from "./stop-cluster.ts";

/**
 * Stops the server of the state folder and removes everything in it for good, wherever it lives. The state
 * folder itself stays. Safe to repeat. Errors: STATE_UNAVAILABLE.
 */
export async function removeCluster(
  directory: string,
  options: { clock?: Clock; signal?: AbortSignal } = {},
): Promise<void> {
  if (!existsSync(claimFolder(directory))) return;
  const real = realpathSync(directory);
  const clock = options.clock ?? systemClock;
  await withClaim(
    claimFolder(real),
    { clock, timeoutMs: CLAIM_TIMEOUT_MS, signal: options.signal },
    async () => {
      const home = findHome(real);
      if (home === undefined) return;
      await stopServer(home.data, { clock, signal: options.signal });
      removePointer(real);
      rmSync(socketFolderPath(home.folder, serverAccount()), { recursive: true, force: true });
      await rm(home.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
    },
  );
  rmSync(claimFolder(real), { recursive: true, force: true });
}
