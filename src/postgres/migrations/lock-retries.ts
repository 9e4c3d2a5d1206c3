import { TminusError } from "../../errors.ts";
import { randomFraction } from "../../lib/id.ts";
import { sqlStateOf, type Session } from "../session/connect.ts";
import { describeBlocker, type AwaitedLock, type Blocker, type LockWatch } from "../session/lock-watch.ts";
import { waitUntilFree } from "../session/wait-until-free.ts";
import { strongLocks, type LockTarget } from "../sql/strong-locks.ts";
import type { Statement } from "../sql/statements.ts";
import { lookOptions, type MigrateOptions } from "./migrate-options.ts";

const FIRST_LOCK_TIMEOUT_MS = 50;
const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 1_000;
const QUICK_WORK_MS = 100;
/** lock_not_available, deadlock_detected. */
const LOCK_STATES = ["55P03", "40P01"];

/** How a transaction is to be tried. */
export interface AttemptManner {
  lockTimeoutMs: number;
  /** Who blocks is going to be told. */
  watched: boolean;
  /** What nobody has looked at yet: the attempt ends as held when anybody has a lock on it. */
  unseen: readonly LockTarget[];
  /** What the last try waited for in vain, after little else; see lockFirstSql. */
  first: AwaitedLock | undefined;
}

export type Attempt =
  | { state: "committed" }
  | { state: "needless" }
  /** Nothing was locked, because somebody holds what was to be looked at. */
  | { state: "held" }
  | { state: "locked"; blockers: Blocker[]; awaited: AwaitedLock | undefined; cause: unknown };

export interface LockingWork {
  /** File name for messages. */
  file: string;
  /** What is going to be run: before each try it is waited until nobody holds for long what they lock. */
  statements?: readonly Statement[];
  /** The first attempt looks itself, before it locks anything. */
  looksItself?: boolean;
}

/**
 * Tries a transaction until it gets its locks. A lock that does not come quickly is given up together with
 * everything that waits behind it, and the transaction is tried again with more patience, up to the limits of the
 * options. Answers whether it was committed. Errors: those of the attempt; MIGRATION_LOCKED naming who blocks.
 */
export async function withLockRetries(
  session: Session,
  options: MigrateOptions,
  { file, statements = [], looksItself = false }: LockingWork,
  attempt: (manner: AttemptManner) => Promise<Attempt>,
): Promise<boolean> {
  const { clock, signal, progress, lockRetries } = options;
  const targets = await strongLocks(statements);
  let isUnseen = looksItself;
  let first: AwaitedLock | undefined;
  for (let tries = 1, patienceMs = FIRST_LOCK_TIMEOUT_MS; ;) {
    patienceMs = Math.min(options.lockTimeoutMs, patienceMs);
    if (!isUnseen) patienceMs = await waitUntilFree(session, targets, lookOptions(options, file, patienceMs));
    const begun = clock.monotonicMs();
    const outcome = await attempt({
      lockTimeoutMs: patienceMs,
      watched: tries > 1 || lockRetries === 1,
      unseen: isUnseen ? targets : [],
      first,
    });
    isUnseen = false;
    if (outcome.state === "held") continue;
    if (outcome.state !== "locked") return outcome.state === "committed";
    // What took longer than that before it came to wait would, the other way round, keep others out for as long.
    const workMs = clock.monotonicMs() - begun - patienceMs;
    first = workMs <= Math.max(patienceMs, QUICK_WORK_MS) ? outcome.awaited : undefined;
    if (tries >= lockRetries) throw locked(file, tries, outcome.blockers, outcome.cause);
    const who =
      outcome.blockers[0] === undefined ? "" : `, blocked by ${describeBlocker(outcome.blockers[0])}`;
    progress(`${file}: no lock within ${patienceMs} ms (try ${tries} of ${lockRetries})${who}`);
    await clock.sleep(jittered(Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 1.5 ** (tries - 1))), signal);
    tries++;
    patienceMs *= 2;
  }
}

/** Whether a lock did not come, in time or because of a deadlock. */
export function isAboutLocks(error: unknown): boolean {
  return LOCK_STATES.includes(sqlStateOf(error) ?? "");
}

/** What to answer for an attempt that isAboutLocks ended. */
export async function lockedOut(watch: LockWatch | undefined, cause: unknown): Promise<Attempt> {
  const blockers = (await watch?.stop()) ?? [];
  return { state: "locked", blockers, awaited: watch?.awaited(), cause };
}

/**
 * Takes the lock that the last try waited for in vain, before all others: the application, which locks the same
 * tables in another order, would wait for what this transaction holds already, and neither would get on. Undefined
 * when there is none, or no longer such a table.
 */
export async function lockFirstSql(
  session: Session,
  first: AwaitedLock | undefined,
): Promise<string | undefined> {
  if (first === undefined) return undefined;
  const [found] = await session.query<{ there: boolean }>("select to_regclass($1) is not null as there", [
    first.table,
  ]);
  return found?.there === true ? `lock table only ${first.table} in ${first.mode} mode` : undefined;
}

/** Two runs that met once do not meet again. */
function jittered(ms: number): number {
  return ms * (0.75 + randomFraction() / 2);
}

function locked(file: string, tries: number, blockers: readonly Blocker[], cause: unknown): TminusError {
  const who = blockers.length === 0 ? "nobody was caught blocking" : blockers.map(describeBlocker).join("; ");
  return new TminusError("MIGRATION_LOCKED", `${file} could not get its lock in ${tries} tries: ${who}`, {
    details: { file, tries, blockers },
    cause,
  });
}
