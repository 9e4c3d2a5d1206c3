import type { EndedDeploy, ListedRun, RunFilter, RunPage } from "../model/run-list.ts";
import type { Run, RunOutcome } from "../model/run.ts";
import { query, storedText, type Pool } from "./pool.ts";
import { runColumns, runFacts, toRun, type RunFactsRow, type RunRow } from "./rows.ts";

/** Runs by what they are like. Only the pages that are asked for are read, however many runs there are. */

/** A state server may hold runs of several projects: only tests leave it out. */
type Meant = RunFilter & { project?: string };

/**
 * How many of the newest are looked through before the index of words is asked: what is found often is among them, and
 * of what is found seldom the index has few.
 */
const LOOKED_THROUGH = 1000;
const NEWEST_FIRST = "order by created_at desc, id desc";

/** Newest first, with their plans. `before` is a full id. */
export async function listRuns(pool: Pool, meant: Meant, limit: number): Promise<Run[]> {
  return (await select<RunRow>(pool, runColumns, meant, limit)).map(toRun);
}

/** Newest first, without reading a plan. `before` is a full id. */
export async function listRunPage(pool: Pool, meant: Meant, limit: number): Promise<RunPage> {
  const rows = await select<ListedRow>(pool, listedColumns, meant, limit + 1);
  return { runs: rows.slice(0, limit).map(toListedRun), hasOlder: rows.length > limit };
}

/** Deploys that have ended since then, the last to end first. */
export async function listEndedDeploys(
  pool: Pool,
  { project, environment }: { project: string; environment?: string },
  since: Date,
  limit: number,
): Promise<EndedDeploy[]> {
  const rows = await query<DeployRow>(
    pool,
    `select id, outcome, created_at, ended_at, verdict ->> 'at' as decided_at,
       coalesce(end_state ->> 'verdict' = 'verified', false) as is_verified
     from tminus.run
     where project = $1 and ended_at >= $2 and ($3::text is null or environment = $3) and purpose = 'deploy'
     order by ended_at desc limit $4`,
    [project, since, environment ?? null, limit],
  );
  return rows.map((row) => ({
    id: row.id,
    outcome: row.outcome,
    createdAt: row.created_at,
    endedAt: row.ended_at,
    ...(row.decided_at === null ? {} : { decidedAt: new Date(row.decided_at) }),
    isVerified: row.is_verified,
  }));
}

interface DeployRow {
  id: string;
  outcome: RunOutcome;
  created_at: Date;
  ended_at: Date;
  decided_at: string | null;
  is_verified: boolean;
}

interface ListedRow extends RunFactsRow {
  release: string;
  previous_release: string | null;
  purpose: ListedRun["purpose"];
  plan_hash: string;
  is_emergency: boolean;
}

const listedColumns =
  "id, environment, release, previous_release, purpose, plan_hash, is_emergency, state, outcome, verdict, end_state, waiting_for, created_at, created_by, started_at, zero_at, ended_at";

function toListedRun(row: ListedRow): ListedRun {
  return {
    ...runFacts(row),
    release: row.release,
    ...(row.previous_release === null ? {} : { previousRelease: row.previous_release }),
    purpose: row.purpose,
    planHash: row.plan_hash,
    isEmergency: row.is_emergency,
  };
}

async function select<Row extends RunFactsRow>(
  pool: Pool,
  columns: string,
  meant: Meant,
  limit: number,
): Promise<Row[]> {
  const values: unknown[] = [];
  const value = (item: unknown): string => `$${values.push(item)}`;
  const where = conditions(meant, value).join(" and ") || "true";
  const text = storedText(meant.search ?? "").trim();
  if (text === "") {
    const all = `select ${columns} from tminus.run where ${where} ${NEWEST_FIRST} limit ${value(limit)}`;
    return query<Row>(pool, all, values);
  }
  const isFound = `words @@ tminus.run_search(${value(text)})`;
  const atMost = `limit ${value(limit)}`;
  const newest = await query<Row>(
    pool,
    `select ${columns} from (select * from tminus.run where ${where} ${NEWEST_FIRST} limit ${LOOKED_THROUGH}) run
     where ${isFound} ${NEWEST_FIRST} ${atMost}`,
    values,
  );
  if (newest.length === limit) return newest;
  // By themselves, so that the index of words is used and not the one of the order.
  return query<Row>(
    pool,
    `with found as materialized (select id, created_at from tminus.run where ${isFound} and ${where})
     select ${columns} from tminus.run
     where id in (select id from found ${NEWEST_FIRST} ${atMost}) ${NEWEST_FIRST}`,
    values,
  );
}

function conditions(meant: Meant, value: (item: unknown) => string): string[] {
  const { project, environment, state, outcome, before } = meant;
  const found: string[] = [];
  if (project !== undefined) found.push(`project = ${value(project)}`);
  if (environment !== undefined) found.push(`environment = ${value(environment)}`);
  if (outcome !== undefined) found.push(`outcome = ${value(outcome)}`);
  if (state === "ended") found.push("ended_at is not null");
  else if (state !== undefined) found.push("ended_at is null");
  if (state !== undefined && state !== "active" && state !== "ended") found.push(`state = ${value(state)}`);
  // In the database, whose times are finer than those of Date: a page neither skips nor repeats a run.
  if (before !== undefined)
    found.push(
      `(created_at, id) < (select edge.created_at, edge.id from tminus.run edge where edge.id = ${value(before)})`,
    );
  return found;
}
