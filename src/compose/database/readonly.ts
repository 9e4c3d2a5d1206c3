import type { DatabasePlace } from "../../model/database.ts";
import { turnOff, turnOn, type ModeReport } from "../../postgres/readonly/set-mode.ts";
import { readStatus, type Mode, type ReadOnlyStatus } from "../../postgres/readonly/verify.ts";
import { readOnly } from "../../postgres/session/connect.ts";
import { lastFence } from "../../postgres/session/fence.ts";

const TIMEOUT_MS = 60_000;
const LOCK_TIMEOUT_MS = 2_000;
const LOCK_RETRIES = 20;

export interface ReadOnlyChange {
  mode: Mode;
  /** Schemas that stay writable. */
  except: readonly string[];
  /** A person's name. */
  by: string;
}

/** Whether the database is read-only, and what is not as it should be. Reads only. Errors: DATABASE_UNREACHABLE. */
export function readOnlyStatus(place: DatabasePlace, signal: AbortSignal): Promise<ReadOnlyStatus> {
  return readOnly(optionsOf(place, signal), readStatus);
}

/**
 * See turnOn and turnOff. It has no lease: it acts under the token that the database saw last, so that a run
 * which takes the environment meanwhile ends it with LEASE_LOST.
 */
export async function setReadOnly(
  place: DatabasePlace,
  { mode, except, by }: ReadOnlyChange,
  { signal, progress }: { signal: AbortSignal; progress: (text: string) => void },
): Promise<ModeReport> {
  const environment = place.environment ?? "";
  const fence = await readOnly(optionsOf(place, signal), (session) => lastFence(session, environment));
  const options = {
    ...optionsOf(place, signal),
    fence,
    runKey: "by hand",
    appliedBy: by,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
    lockRetries: LOCK_RETRIES,
    clock: place.clock,
    progress,
  };
  return mode === "on" ? turnOn(except, options) : turnOff(options);
}

function optionsOf(place: DatabasePlace, signal: AbortSignal) {
  return {
    connectionString: place.connectionString.reveal(),
    purpose: "read-only",
    statementTimeoutMs: TIMEOUT_MS,
    signal,
  };
}
