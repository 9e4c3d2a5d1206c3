import { existsSync } from "node:fs";
import { systemClock, type Clock } from "../../lib/clock.ts";
import { withClaim } from "./claim.ts";
import { claimFolder, findHome } from "./cluster-home.ts";
import { stopServer } from "./server.ts";

/** Longer than any start or stop takes at most. */
export const CLAIM_TIMEOUT_MS = 200_000;

/**
 * Stops the server of the state folder, whoever started it, and waits until it is gone; false when none ran.
 * Waits for a start that is under way. Errors: STATE_UNAVAILABLE.
 */
export async function stopCluster(
  directory: string,
  options: { clock?: Clock; signal?: AbortSignal } = {},
): Promise<boolean> {
  const claims = claimFolder(directory);
  if (!existsSync(claims)) return false;
  const clock = options.clock ?? systemClock;
  return withClaim(claims, { clock, timeoutMs: CLAIM_TIMEOUT_MS, signal: options.signal }, () =>
    stopClaimedCluster(directory, { clock, signal: options.signal }),
  );
}

/** The same for a caller who has the claim of the state folder. */
export async function stopClaimedCluster(
  directory: string,
  waiting: { clock: Clock; signal?: AbortSignal | undefined },
): Promise<boolean> {
  const home = findHome(directory);
  return home === undefined ? false : stopServer(home.data, waiting);
}
