import { TminusError } from "../../errors.ts";
import type { DatabasePlace } from "../../model/database.ts";
import { listCheckpoints, wantCheckpoint, type Checkpoint } from "../../postgres/backfill/checkpoint.ts";
import { openSession, readOnly } from "../../postgres/session/connect.ts";

const TIMEOUT_MS = 15_000;

/** Every backfill of the database, the newest first. Reads only. Errors: DATABASE_UNREACHABLE. */
export async function listBackfills(place: DatabasePlace, signal: AbortSignal): Promise<Checkpoint[]> {
  return readOnly(optionsOf(place, signal), listCheckpoints);
}

/**
 * Asks the backfill under way to pause after its batch, or to go on. Safe to repeat. Errors: BACKFILL_UNKNOWN,
 * DATABASE_UNREACHABLE.
 */
export async function steerBackfill(
  place: DatabasePlace,
  name: string | undefined,
  wanted: "run" | "pause",
  signal: AbortSignal,
): Promise<string> {
  const active = (await listBackfills(place, signal)).filter(({ state }) => state !== "done");
  const named = name === undefined ? active : active.filter((one) => isNamed(one, name));
  const [only, second] = named;
  if (only === undefined || second !== undefined) {
    const which = active.map((one) => `${one.name} (${one.title})`).join(", ");
    throw new TminusError(
      "BACKFILL_UNKNOWN",
      second === undefined ? "no such backfill is under way" : "more than one backfill is under way",
      { hint: which === "" ? "Look with tminus db backfill." : `Name one of: ${which}.` },
    );
  }
  await using session = await openSession({ ...optionsOf(place, signal), direct: true });
  // Awaited here, because the session ends with this function.
  if (!(await wantCheckpoint(session, only.name, wanted)))
    throw new TminusError("BACKFILL_UNKNOWN", `the backfill ${only.name} has ended meanwhile`);
  return only.name;
}

/** By its whole name, or by its table, with its schema or without. */
export function isNamed({ name }: { name: string }, wanted: string): boolean {
  return [name, name.slice(name.indexOf(".") + 1)].some(
    (one) => one === wanted || one.startsWith(`${wanted}.`),
  );
}

function optionsOf(place: DatabasePlace, signal: AbortSignal) {
  return {
    connectionString: place.connectionString.reveal(),
    purpose: "backfill control",
    statementTimeoutMs: TIMEOUT_MS,
    signal,
  };
}
