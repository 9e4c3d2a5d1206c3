import type { Actor } from "../model/actor.ts";
import { actorRecord } from "../model/actor-text.ts";
import type { NewOverride, Override } from "../model/override.ts";
import { query, storedJson, storedText, type Pool } from "./pool.ts";
import { toTimedWord, type TimedWordRow } from "./timed-words.ts";

type OverrideRow = TimedWordRow & Pick<Override, "gate"> & { identity: Actor | null };

/** `forMs` counts from the database's own time, so that no clock of a client prolongs it. */
export async function addOverride(
  pool: Pool,
  project: string,
  { environment, gate, reason, forMs }: NewOverride,
  actor: Actor,
): Promise<Override> {
  const [row] = await query<OverrideRow>(
    pool,
    "select * from tminus.add_override($1, $2, $3, $4, $5, $6, $7, $8)",
    [
      project,
      storedText(environment),
      storedText(gate),
      storedText(actor.name),
      storedText(reason),
      forMs,
      storedJson(actor),
      storedJson(actorRecord(actor)),
    ],
  );
  return toOverride(row!);
}

/** Those that hold now, oldest first; of one environment or of all. */
export async function activeOverrides(
  pool: Pool,
  project: string,
  environment: string | undefined,
): Promise<Override[]> {
  const rows = await query<OverrideRow>(
    pool,
    `select * from tminus.override
     where project = $1 and ($2::text is null or environment = $2) and ended_at is null and until > clock_timestamp()
     order by id`,
    [project, environment ?? null],
  );
  return rows.map(toOverride);
}

/** How many were ended: those of the gate that still held. */
export async function endOverrides(
  pool: Pool,
  project: string,
  { environment, gate }: Pick<Override, "environment" | "gate">,
  actor: Actor,
): Promise<number> {
  const [row] = await query<{ count: number }>(
    pool,
    "select tminus.end_overrides($1, $2, $3, $4, $5) as count",
    [project, environment, gate, storedText(actor.name), storedJson(actorRecord(actor))],
  );
  return row!.count;
}

function toOverride(row: OverrideRow): Override {
  const { gate, identity } = row;
  return { ...toTimedWord(row), gate, ...(identity === null ? {} : { identity }) };
}
