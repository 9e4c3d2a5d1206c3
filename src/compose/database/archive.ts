import type { DatabasePlace } from "../../model/database.ts";
import { countArchived, listArchive, type KeptArchive } from "../../postgres/phases/archive-list.ts";
import { removeArchived, type RemovedArchive, type ToRemove } from "../../postgres/phases/remove-archive.ts";
import { readOnly } from "../../postgres/session/connect.ts";
import { lastFence } from "../../postgres/session/fence.ts";

export type { KeptArchive, RemovedArchive, ToRemove };

/** Counting reads whole tables. */
const TIMEOUT_MS = 120_000;
const LOCK_TIMEOUT_MS = 2_000;
const LOCK_RETRIES = 5;

/** What db.contract archived and is still there, oldest first. Reads only. Errors: DATABASE_UNREACHABLE. */
export function readKept(place: DatabasePlace, signal: AbortSignal): Promise<KeptArchive[]> {
  return readOnly(optionsOf(place, signal), listArchive);
}

/** The same with the rows that there are now. Reads only. Errors: DATABASE_UNREACHABLE. */
export function countKept(
  place: DatabasePlace,
  kept: readonly KeptArchive[],
  signal: AbortSignal,
): Promise<ToRemove[]> {
  return readOnly(optionsOf(place, signal), async (session) => {
    const counts = await countArchived(session, kept);
    return kept.map((item) => ({ ...item, counted: counts.get(item.id) ?? null }));
  });
}

/**
 * See removeArchived. It has no lease: it acts under the token that the database saw last, so that a run which takes
 * the environment meanwhile ends it with LEASE_LOST.
 */
export async function removeKept(
  place: DatabasePlace,
  chosen: readonly ToRemove[],
  ways: { by: string; signal: AbortSignal; progress: (text: string) => void },
): Promise<RemovedArchive[]> {
  const environment = place.environment ?? "";
  const options = optionsOf(place, ways.signal);
  const fence = await readOnly(options, (session) => lastFence(session, environment));
  return removeArchived(chosen, {
    ...options,
    fence,
    runKey: "by hand",
    appliedBy: ways.by,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
    lockRetries: LOCK_RETRIES,
    clock: place.clock,
    progress: ways.progress,
  });
}

function optionsOf(place: DatabasePlace, signal: AbortSignal) {
  return {
    connectionString: place.connectionString.reveal(),
    purpose: "archive",
    statementTimeoutMs: TIMEOUT_MS,
    signal,
  };
}
