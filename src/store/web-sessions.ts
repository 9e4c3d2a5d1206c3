import { canonicalName } from "../model/person-name.ts";
import { actorSchema, type Actor } from "../model/actor.ts";
import { query, storedJson, type Pool } from "./pool.ts";

/** `sha256` is that of the session's secret. Returns when it ends at the latest. */
export async function beginWebSession(
  pool: Pool,
  sha256: string,
  { name, checked }: Pick<Actor, "name" | "checked">,
  validMs: number,
): Promise<Date> {
  const [row] = await query<{ expires: Date }>(
    pool,
    "select tminus.begin_web_session($1, $2, $3, $4) as expires",
    [sha256, canonicalName(name), storedJson(checked), validMs],
  );
  return row!.expires;
}

/** Whose session it is, and how that was known; undefined when it is not good. */
export async function useWebSession(
  pool: Pool,
  sha256: string,
  idleMs: number,
): Promise<Pick<Actor, "name" | "checked"> | undefined> {
  const [row] = await query<{ user_name: string; checked: unknown }>(
    pool,
    "select * from tminus.use_web_session($1, $2)",
    [sha256, idleMs],
  );
  return row === undefined
    ? undefined
    : { name: row.user_name, checked: actorSchema.shape.checked.parse(row.checked) };
}

/** May be repeated. */
export async function endWebSession(pool: Pool, sha256: string): Promise<void> {
  await query(pool, "select tminus.end_web_session($1)", [sha256]);
}
