import { TminusError } from "../../errors.ts";
import type { Session } from "./connect.ts";

const TRIES = 3;

/**
 * Refuses an address that is known to be a transaction pooler's, before anything is sent to it.
 * Errors: DATABASE_POOLED.
 */
export function refuseKnownPooler(connectionString: string): void {
  if (!URL.canParse(connectionString)) return;
  const { hostname, port } = new URL(connectionString);
  if (hostname.endsWith(".pooler.supabase.com") && port === "6543") throw pooled(connectionString);
}

/**
 * Refuses a connection whose transactions run in changing backends: settings and locks of a session mean nothing
 * there, and another client can get them. The process id that came with the connection is the backend's own
 * unless something stands in between; then a second connection shows whether both share one backend. What gives
 * each client a backend of its own is let pass. Errors: DATABASE_POOLED, DATABASE_UNREACHABLE.
 */
export async function refusePooler(
  session: Session,
  connectionString: string,
  openOther: () => Promise<Session>,
): Promise<void> {
  if (session.announcedPid === session.pid) return;
  await using other = await openOther();
  for (let tries = 0; tries < TRIES; tries++) {
    await other.query("begin");
    const theirs = await pidOf(other);
    const ours = await pidOf(session);
    await other.query("rollback");
    if (theirs === session.pid || ours !== session.pid) throw pooled(connectionString);
  }
}

async function pidOf(session: Session): Promise<number | undefined> {
  const [row] = await session.query<{ pid: number }>("select pg_backend_pid() as pid");
  return row?.pid;
}

function pooled(connectionString: string): TminusError {
  return new TminusError(
    "DATABASE_POOLED",
    `${hostOf(connectionString)} hands each transaction to another connection of a pool`,
    { hint: `Give the direct connection: ${directForm(connectionString)}.` },
  );
}

function hostOf(connectionString: string): string {
  return URL.canParse(connectionString) ? new URL(connectionString).host : "the database";
}

/** What to write instead, without user and password. */
function directForm(connectionString: string): string {
  const fallback = "the host and port of the server itself (most often 5432), not those of the pooler";
  if (!URL.canParse(connectionString)) return fallback;
  const { hostname, username, pathname } = new URL(connectionString);
  const project = /^postgres\.(\w+)$/.exec(decodeURIComponent(username))?.[1];
  if (hostname.endsWith(".pooler.supabase.com")) {
    const direct = `postgresql://postgres:…@db.${project ?? "<project>"}.supabase.co:5432${pathname}`;
    return `${direct}, or where only IPv4 is to be had the session pooler at ${hostname}:5432`;
  }
  const neon = /^([^.]+)-pooler(\..+\.neon\.tech)$/.exec(hostname);
  return neon === null ? fallback : `postgresql://…@${neon[1]}${neon[2]}${pathname}`;
}
