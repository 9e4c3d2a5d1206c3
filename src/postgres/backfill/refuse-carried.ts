import { TminusError } from "../../errors.ts";
import { sqlStateOf, type Session } from "../session/connect.ts";
import type { Backfill } from "./backfill.ts";
import { readColumns, readLeaves } from "./catalog.ts";

const SAMPLE_ROWS = 100;
/** Who holds a row keeps only that row out of the sample. */
const LOCK_TIMEOUT_MS = 1_000;

interface Tried {
  before: Record<string, unknown>;
  after: Record<string, unknown>;
}

/**
 * The application's own triggers see the columns become null. One that keeps another column equal to them, as
 * while a column is renamed or its type is changed, would carry the null into values that the release before
 * needs. Some rows of each table are tried and rolled back. Errors: BACKFILL_FAILED naming column and triggers.
 */
export async function refuseCarried(session: Session, backfill: Backfill): Promise<void> {
  const { oid, title, columns, alias, settings } = backfill;
  const own = new Set(Object.keys(settings.set));
  const computed = (await readColumns(session, oid)).filter(({ isGenerated }) => isGenerated);
  for (const { name } of computed) own.add(name);
  const nulls = columns.map(({ name }) => `${name} = null`).join(", ");
  const filled = columns.map(({ name }) => `${alias}.${name} is not null`).join(" or ");
  const carried = new Set<string>();
  for (const leaf of (await readLeaves(session, oid)).leaves) {
    const rows = await tried(
      session,
      `with tminus_some as materialized (
         select ctid as place, to_jsonb(${alias}.*) as before from only ${leaf.name} as ${alias}
         where ${filled} limit ${SAMPLE_ROWS} for update skip locked)
       update only ${leaf.name} as ${alias} set ${nulls} from tminus_some
       where ${alias}.ctid = tminus_some.place returning tminus_some.before, to_jsonb(${alias}.*) as after`,
      title,
    );
    for (const { before, after } of rows)
      for (const [name, value] of Object.entries(before))
        if (!own.has(name) && value !== null && after[name] === null) carried.add(name);
  }
  if (carried.size > 0)
    throw refused(title, `a trigger would carry the null into ${[...carried].join(", ")}`);
}

async function tried(session: Session, update: string, title: string): Promise<Tried[]> {
  try {
    await session.query(`begin; set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
    return await session.query<Tried>(update);
  } catch (error) {
    const state = sqlStateOf(error);
    // A lock that did not come says nothing: the batches wait for it, again and again.
    if (state === "55P03" || state === "40P01") return [];
    if (state === undefined) throw error;
    throw refused(title, `${error instanceof Error ? error.message : String(error)} (${state})`);
  } finally {
    await session.rollback();
  }
}

function refused(title: string, reason: string): TminusError {
  return new TminusError(
    "BACKFILL_FAILED",
    `${title}: the values were not set to null, none of them: ${reason}`,
    {
      hint: "Leave the values (undo: keep values), or take the application's trigger away first; the backfill's own trigger is gone.",
    },
  );
}
