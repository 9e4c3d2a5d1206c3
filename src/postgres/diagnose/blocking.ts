import type { SessionFacts } from "./session-facts.ts";

/** A session with those that wait for it, directly. */
export interface BlockingNode {
  session: SessionFacts;
  waiting: BlockingNode[];
  /** How many wait for it, directly or behind others. */
  blocks: number;
}

/**
 * Pure: who blocks whom, as trees whose roots wait for nobody, the root that blocks most first. A session that
 * waits for several stands under each of them. Sessions that neither wait nor block are left out. A cycle, which
 * the server is about to end as a deadlock, is entered once.
 */
export function blockingTrees(sessions: readonly SessionFacts[]): BlockingNode[] {
  const waiters = new Map<number, SessionFacts[]>();
  for (const session of sessions) {
    // Negative or zero pids stand for prepared transactions, which have no session.
    for (const pid of new Set(session.blockedBy)) waiters.set(pid, [...(waiters.get(pid) ?? []), session]);
  }
  const roots = sessions.filter(({ pid, blockedBy }) => waiters.has(pid) && blockedBy.length === 0);
  const inCycles = sessions.filter(({ pid }) => waiters.has(pid) && !reachable(roots, waiters).has(pid));
  return [...roots, ...inCycles.slice(0, 1)]
    .map((session) => nodeOf(session, waiters, new Set()))
    .sort((a, b) => b.blocks - a.blocks);
}

function nodeOf(
  session: SessionFacts,
  waiters: ReadonlyMap<number, SessionFacts[]>,
  above: ReadonlySet<number>,
): BlockingNode {
  const path = new Set([...above, session.pid]);
  const waiting = (waiters.get(session.pid) ?? [])
    .filter(({ pid }) => !path.has(pid))
    .map((waiter) => nodeOf(waiter, waiters, path));
  return { session, waiting, blocks: reachable([session], waiters).size - 1 };
}

/** Pids of the sessions and of everybody who waits for them. */
function reachable(from: readonly SessionFacts[], waiters: ReadonlyMap<number, SessionFacts[]>): Set<number> {
  const seen = new Set<number>();
  const open = [...from];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next.pid)) continue;
    seen.add(next.pid);
    open.push(...(waiters.get(next.pid) ?? []));
  }
  return seen;
}
