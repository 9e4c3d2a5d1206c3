import { sqlStateOf, type Session } from "../session/connect.ts";
import { parseSql } from "../sql/parse.ts";

/** What a session holds and waits for. */
export interface SessionLock {
  relation: string;
  mode: string;
  granted: boolean;
}

export interface SessionExplanation {
  /** Relations of this database only, waited-for ones first. */
  locks: SessionLock[];
  /** EXPLAIN of its statement, without running it. */
  plan: string[];
  /** Why there is no plan; empty when there is one. */
  noPlan: string;
}

const LOCK_TIMEOUT_MS = 200;
const EXPLAINABLE = ["SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"];

/** Looks into one session, as the last thing in its transaction. Reads only: the statement is planned, not run. */
export async function explainSession(session: Session, pid: number): Promise<SessionExplanation> {
  const locks = await session.query<SessionLock>(
    `select l.relation::regclass::text as relation, l.mode, l.granted from pg_locks l
     where l.pid = $1 and l.locktype = 'relation'
       and l.database = (select oid from pg_database where datname = current_database())
     order by l.granted, 1, 2 limit 100`,
    [pid],
  );
  const [row] = await session.query<{ query: string }>(
    "select coalesce(query, '') as query from pg_stat_activity where pid = $1",
    [pid],
  );
  return { locks, ...(await planOf(session, row?.query ?? "")) };
}

async function planOf(session: Session, query: string): Promise<Pick<SessionExplanation, "plan" | "noPlan">> {
  const refusal = await refuseToExplain(query);
  if (refusal !== undefined) return { plan: [], noPlan: refusal };
  try {
    // EXPLAIN locks the tables too: in a jam it must not join the queue.
    await session.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
    const [server] = await session.query<{ version: number }>(
      "select current_setting('server_version_num')::int as version",
    );
    const generic = /\$\d/.test(query) && (server?.version ?? 0) >= 160_000 ? "(generic_plan) " : "";
    const rows = await session.query<{ "QUERY PLAN": string }>(`explain ${generic}${query}`);
    return { plan: rows.map((line) => line["QUERY PLAN"]), noPlan: "" };
  } catch (error) {
    // The text may be cut off by track_activity_query_size, or need rights that this role lacks: said, not thrown.
    if (sqlStateOf(error) === undefined) throw error;
    return { plan: [], noPlan: error instanceof Error ? error.message : String(error) };
  }
}

/** The text is another session's: behind EXPLAIN of its first statement a second one would really run. */
async function refuseToExplain(query: string): Promise<string | undefined> {
  const parsed = await parseSql(query);
  if ("problem" in parsed) return `its text is not whole: ${parsed.problem.text}`;
  const [first, second] = parsed.statements;
  if (first === undefined) return "it has run no statement yet";
  if (second !== undefined) return "its text holds several statements";
  return EXPLAINABLE.includes(Object.keys(first.node)[0] ?? "")
    ? undefined
    : "its statement is none that has a plan";
}
