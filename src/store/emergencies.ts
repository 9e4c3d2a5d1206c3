import type { Actor } from "../model/actor.ts";
import { actorRecord } from "../model/actor-text.ts";
import type { Emergency, NewEmergency } from "../model/emergency.ts";
import { query, storedJson, storedText, type Pool } from "./pool.ts";
import { toTimedWord, type TimedWordRow } from "./timed-words.ts";

/** `forMs` counts from the database's own time, so that no clock of a client prolongs it. */
export async function declareEmergency(
  pool: Pool,
  project: string,
  { environment, reason, forMs }: NewEmergency,
  actor: Actor,
): Promise<Emergency> {
  const [row] = await query<TimedWordRow>(
    pool,
    "select * from tminus.declare_emergency($1, $2, $3, $4, $5, $6)",
    [project, environment, storedText(reason), forMs, storedText(actor.name), storedJson(actorRecord(actor))],
  );
  return toTimedWord(row!);
}

/** Those that hold now, oldest first; of one environment or of all. */
export async function activeEmergencies(
  pool: Pool,
  project: string,
  environment: string | undefined,
): Promise<Emergency[]> {
  const rows = await query<TimedWordRow>(
    pool,
    `select * from tminus.emergency
     where project = $1 and ($2::text is null or environment = $2) and ended_at is null and until > clock_timestamp()
     order by id`,
    [project, environment ?? null],
  );
  return rows.map(toTimedWord);
}

/** How many were ended: those of the environment that still held. */
export async function endEmergencies(
  pool: Pool,
  project: string,
  environment: string,
  actor: Actor,
): Promise<number> {
  const [row] = await query<{ count: number }>(
    pool,
    "select tminus.end_emergencies($1, $2, $3, $4) as count",
    [project, environment, storedText(actor.name), storedJson(actorRecord(actor))],
  );
  return row!.count;
}
