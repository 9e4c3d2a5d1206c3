import { TminusError } from "../../errors.ts";
import type { DatabasePlace } from "../../model/database.ts";
import { blockingTrees, type BlockingNode } from "../../postgres/diagnose/blocking.ts";
import { endSession, type EndOutcome, type SessionName } from "../../postgres/diagnose/end-session.ts";
import { explainSession, type SessionExplanation } from "../../postgres/diagnose/explain-session.ts";
import { judgeSession, type SessionVerdict } from "../../postgres/diagnose/judge-session.ts";
import { readPool, type PoolFacts } from "../../postgres/diagnose/pool.ts";
import { readSessions, type SessionFacts } from "../../postgres/diagnose/session-facts.ts";
import { stalledMigrations, type StalledMigration } from "../../postgres/diagnose/stalled.ts";
import { openSession, readOnly, type Session } from "../../postgres/session/connect.ts";

export type {
  BlockingNode,
  EndOutcome,
  PoolFacts,
  SessionExplanation,
  SessionFacts,
  SessionVerdict,
  StalledMigration,
};

const TIMEOUT_MS = 15_000;
/** How long is looked what became of a session after it was asked to stop. */
const PATIENCE_MS = 5_000;

/** Who keeps whom from a lock. Errors: DATABASE_UNREACHABLE. */
export async function findLocks(place: DatabasePlace, signal: AbortSignal): Promise<BlockingNode[]> {
  return blockingTrees(await sessionsOf(place, signal));
}

/** Statements that have run longer, the longest first. Errors: DATABASE_UNREACHABLE. */
export async function findLong(
  place: DatabasePlace,
  overSeconds: number,
  signal: AbortSignal,
): Promise<SessionFacts[]> {
  const age = ({ querySeconds }: SessionFacts): number => querySeconds ?? 0;
  const sessions = await sessionsOf(place, signal);
  return sessions
    .filter((session) => session.state === "active" && age(session) > overSeconds)
    .sort((a, b) => age(b) - age(a));
}

/** Sessions that have idled longer, those inside a transaction first. Errors: DATABASE_UNREACHABLE. */
export async function findIdle(
  place: DatabasePlace,
  overSeconds: number,
  signal: AbortSignal,
): Promise<SessionFacts[]> {
  const rank = ({ state, stateSeconds }: SessionFacts): number =>
    (state === "idle" ? 0 : 1e9) + (stateSeconds ?? 0);
  const sessions = await sessionsOf(place, signal);
  return sessions
    .filter(({ state, stateSeconds }) => state.startsWith("idle") && (stateSeconds ?? 0) > overSeconds)
    .sort((a, b) => rank(b) - rank(a));
}

/** Errors: DATABASE_UNREACHABLE. */
export async function findPool(place: DatabasePlace, signal: AbortSignal): Promise<PoolFacts> {
  return readOnly(optionsOf(place, signal), readPool);
}

/** Errors: DATABASE_UNREACHABLE. */
export async function findStalled(place: DatabasePlace, signal: AbortSignal): Promise<StalledMigration[]> {
  return stalledMigrations(await sessionsOf(place, signal));
}

export interface OneSession {
  session: SessionFacts;
  verdict: SessionVerdict;
  blockers: SessionFacts[];
  waiting: SessionFacts[];
}

/** One session and what ending it would mean. Errors: SESSION_UNKNOWN, DATABASE_UNREACHABLE. */
export async function findSession(
  place: DatabasePlace,
  pid: number,
  signal: AbortSignal,
): Promise<OneSession> {
  return lookAt(pid, await sessionsOf(place, signal));
}

/** The same, with its locks and the plan of its statement. Errors: SESSION_UNKNOWN, DATABASE_UNREACHABLE. */
export async function explain(
  place: DatabasePlace,
  pid: number,
  signal: AbortSignal,
): Promise<OneSession & SessionExplanation> {
  return readOnly(optionsOf(place, signal), async (session: Session) => ({
    ...lookAt(pid, await readSessions(session)),
    ...(await explainSession(session, pid)),
  }));
}

/** See endSession. Errors: DATABASE_UNREACHABLE. */
export async function end(
  place: DatabasePlace,
  name: SessionName,
  how: "cancel" | "terminate",
  signal: AbortSignal,
): Promise<EndOutcome> {
  await using session = await openSession({
    ...optionsOf(place, signal),
    purpose: "end a session",
    direct: true,
  });
  // Awaited here, because the session ends with this function.
  return await endSession(session, name, how, { clock: place.clock, patienceMs: PATIENCE_MS, signal });
}

function lookAt(pid: number, sessions: readonly SessionFacts[]): OneSession {
  const session = sessions.find((one) => one.pid === pid);
  if (session === undefined) {
    throw new TminusError("SESSION_UNKNOWN", `the database has no client session with pid ${pid}`);
  }
  return {
    session,
    verdict: judgeSession(session, sessions),
    blockers: sessions.filter((one) => session.blockedBy.includes(one.pid)),
    waiting: sessions.filter(({ blockedBy }) => blockedBy.includes(pid)),
  };
}

function sessionsOf(place: DatabasePlace, signal: AbortSignal): Promise<SessionFacts[]> {
  return readOnly(optionsOf(place, signal), readSessions);
}

function optionsOf(place: DatabasePlace, signal: AbortSignal) {
  return {
    connectionString: place.connectionString.reveal(),
    purpose: "diagnose",
    statementTimeoutMs: TIMEOUT_MS,
    signal,
  };
}
