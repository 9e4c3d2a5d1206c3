import { query, type Pool } from "./pool.ts";

export interface ClaimedTrace {
  runId: string;
  /** This one included. */
  tries: number;
}

/**
 * Gives the first run that has ended since `since`, and is not exported, to the caller for `forMs`: others get it only
 * afterwards, or when it is to be tried again. Undefined when there is none.
 */
export async function claimTrace(
  pool: Pool,
  now: Date,
  since: Date,
  forMs: number,
): Promise<ClaimedTrace | undefined> {
  const [row] = await query<{ run_id: string; tries: number }>(
    pool,
    "select run_id, tries from tminus.claim_trace($1, $2, $3)",
    [now, since, forMs],
  );
  return row === undefined ? undefined : { runId: row.run_id, tries: row.tries };
}

export async function markExported(pool: Pool, runId: string, now: Date): Promise<void> {
  await query(pool, "select tminus.note_trace($1, $2, null)", [runId, now]);
}

/** Nobody tries before `at`. */
export async function tryTraceAgain(pool: Pool, runId: string, at: Date): Promise<void> {
  await query(pool, "select tminus.note_trace($1, null, $2)", [runId, at]);
}
