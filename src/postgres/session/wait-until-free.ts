import { TminusError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { LockTarget } from "../sql/strong-locks.ts";
import type { Session } from "./connect.ts";
import { describeHolder, readHolders, type Holder } from "./holders.ts";

export interface WaitOptions {
  /** What needs the locks, for messages. */
  what: string;
  /** Who holds a conflicting lock in a transaction younger than this does not count: it will be gone in time. */
  patienceMs: number;
  /** Up to which patience may grow where holders come and go without a gap. */
  limitMs: number;
  /** After this long nothing was changed and it is given up. */
  waitMs: number;
  /** Ends a holder that is idle in its transaction for this long; never when undefined. */
  endIdleAfterMs?: number | undefined;
  clock: Clock;
  signal: AbortSignal;
  progress: (text: string) => void;
}

const FIRST_POLL_MS = 20;
const MAX_POLL_MS = 200;
const TELL_EVERY_MS = 5_000;
/** After this long with ever new holders the patience doubles. */
const CHURN_MS = 2_000;
const MAX_POLLS = 1_000_000;

/**
 * Looks, without asking for any lock, until nobody holds for long what statements are going to lock: whoever
 * asks first and waits then stops everybody who comes after. Answers the patience to ask with. Looks once when
 * all is free. Errors: MIGRATION_LOCKED naming who holds.
 */
export async function waitUntilFree(
  session: Session,
  targets: readonly LockTarget[],
  options: WaitOptions,
): Promise<number> {
  const { clock, signal, what } = options;
  let { patienceMs } = options;
  if (targets.length === 0) return patienceMs;
  const started = clock.monotonicMs();
  const seen = new Map<string, number>();
  let told = -Infinity;
  let window: { since: number; holders: Set<string> } | undefined;
  for (let polls = 0; polls < MAX_POLLS; polls++) {
    const now = clock.monotonicMs();
    const all = await readHolders(session, targets);
    const holders = all.filter((holder) => isLasting(holder, { now, patienceMs, seen }));
    if (holders.length === 0) return patienceMs;
    if (now - started >= options.waitMs) throw givenUp(options, holders, now - started);
    if (now - told >= TELL_EVERY_MS) {
      told = now;
      options.progress(
        `${what}: waiting until its locks are free, held by ${holders.map(describeHolder).join("; ")}`,
      );
    }
    await endIdle(session, holders, options);
    window ??= { since: now, holders: new Set(holders.map(identify)) };
    if (now - window.since >= CHURN_MS) {
      const first = window.holders;
      if (!holders.some((holder) => first.has(identify(holder))))
        patienceMs = Math.min(options.limitMs, patienceMs * 2);
      window = undefined;
    }
    await clock.sleep(Math.min(MAX_POLL_MS, FIRST_POLL_MS + (now - started) / 200), signal);
  }
  throw givenUp(options, [], clock.monotonicMs() - started);
}

/**
 * Looks until nobody is left of those that `read` answers. Errors: MIGRATION_LOCKED naming who is still there.
 */
export async function waitUntilGone(read: () => Promise<Holder[]>, options: WaitOptions): Promise<void> {
  const { clock, signal, what, waitMs, progress } = options;
  const started = clock.monotonicMs();
  let told = -Infinity;
  for (let polls = 0; polls < MAX_POLLS; polls++) {
    const holders = await read();
    if (holders.length === 0) return;
    const now = clock.monotonicMs();
    const who = holders.map(describeHolder).join("; ");
    if (now - started >= waitMs) {
      throw new TminusError(
        "MIGRATION_LOCKED",
        `${what}: waited ${Math.round((now - started) / 1000)} s for the end of ${who}; nothing was changed and nobody was kept waiting`,
        { details: { what, waitedMs: Math.round(now - started), blockers: holders } },
      );
    }
    if (now - told >= TELL_EVERY_MS) {
      told = now;
      progress(`${what}: waiting for the end of ${who}`);
    }
    await clock.sleep(MAX_POLL_MS, signal);
  }
}

/** Where the server does not tell the age, to a role without pg_monitor, it is counted from the first look. */
function isLasting(
  holder: Holder,
  { now, patienceMs, seen }: { now: number; patienceMs: number; seen: Map<string, number> },
): boolean {
  if (holder.ageMs !== null) return holder.ageMs >= patienceMs;
  const key = identify(holder);
  const first = seen.get(key) ?? now;
  seen.set(key, first);
  // The first sight of it counts too: otherwise a long holder would be taken for a new one.
  return first === now || now - first >= patienceMs;
}

async function endIdle(session: Session, holders: readonly Holder[], options: WaitOptions): Promise<void> {
  const { endIdleAfterMs, progress, what } = options;
  if (endIdleAfterMs === undefined) return;
  for (const holder of holders) {
    if (holder.pid === null || holder.idleMs === null || holder.idleMs < endIdleAfterMs) continue;
    const ended = await session.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where pid = $1 and xact_start = $2::timestamptz and state like 'idle in transaction%'`,
      [holder.pid, holder.began],
    );
    if (ended.length > 0) progress(`${what}: ended ${describeHolder(holder)}`);
  }
}

function identify({ pid, began, gid }: Holder): string {
  return `${pid ?? gid} ${began ?? ""}`;
}

function givenUp({ what }: WaitOptions, holders: readonly Holder[], waitedMs: number): TminusError {
  const who = holders.length === 0 ? "others" : holders.map(describeHolder).join("; ");
  return new TminusError(
    "MIGRATION_LOCKED",
    `${what}: what it has to lock has been held for ${Math.round(waitedMs / 1000)} s by ${who}; nothing was changed and nobody was kept waiting`,
    { details: { what, waitedMs: Math.round(waitedMs), blockers: holders } },
  );
}
