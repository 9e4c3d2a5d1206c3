import { canonicalName } from "../model/person-name.ts";
import { query, type Pool } from "./pool.ts";

/** `sha256` is that of the session's secret. Returns when it ends at the latest. */
export async function beginWebSession(
  pool: Pool,
  sha256: string,
  user: string,
  validMs: number,
): Promise<Date> {
  const [row] = await query<{ expires: Date }>(
    pool,
    "select tminus.begin_web_session($1, $2, $3) as expires",
    [sha256, canonicalName(user), validMs],
  );
  return row!.expires;
}

/** The name of the user whose session it is; undefined when it is not good. */
export async function useWebSession(pool: Pool, sha256: string, idleMs: number): Promise<string | undefined> {
  const [row] = await query<{ user: string | null }>(pool, "select tminus.use_web_session($1, $2) as user", [
    sha256,
    idleMs,
  ]);
  return row?.user ?? undefined;
}

/** May be repeated. */
export async function endWebSession(pool: Pool, sha256: string): Promise<void> {
  await query(pool, "select tminus.end_web_session($1)", [sha256]);
}
