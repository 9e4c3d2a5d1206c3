import { TminusError } from "../../errors.ts";
import { crashPoint } from "../../lib/crash-point.ts";
import { sqlStateOf, type Session } from "../session/connect.ts";
import { checkFence } from "../session/fence.ts";
import { describeBlocker, watchLocks, type Blocker } from "../session/lock-watch.ts";
import type { MigrateOptions } from "./migrate-options.ts";

const FIRST_LOCK_TIMEOUT_MS = 50;
const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 1_000;
/** lock_not_available, deadlock_detected. */
const LOCK_STATES = ["55P03", "40P01"];

export interface FencedWork {
  /** For messages and crash points: the version, and the direction unless it is up. */
  label: string;
  /** File name for messages. */
  file: string;
  /** Answers false when there is nothing to do after all; the transaction is then rolled back. */
  run(session: Session, settings: TransactionSettings): Promise<boolean>;
}

export interface TransactionSettings {
  /** Sets this transaction's lock_timeout, which a migration may have changed. */
  limitLocks(): Promise<void>;
}

/**
 * Runs work in one fenced transaction. A lock that does not come quickly is given up together with everything
 * that waits behind it, and the transaction is tried again with more patience, up to the limits of the options.
 * Answers whether it was committed. Errors: MIGRATION_LOCKED naming who blocks, LEASE_LOST,
 * DATABASE_UNREACHABLE when the connection was lost, also during the commit.
 */
export async function inFencedTransaction(
  session: Session,
  options: MigrateOptions,
  work: FencedWork,
): Promise<boolean> {
  const { clock, signal, progress, lockRetries } = options;
  for (let tries = 1; ; tries++) {
    const lockTimeoutMs = Math.min(
      options.lockTimeoutMs,
      FIRST_LOCK_TIMEOUT_MS * 2 ** Math.min(tries - 1, 20),
    );
    const outcome = await attempt(session, options, work, {
      lockTimeoutMs,
      watched: tries > 1 || lockRetries === 1,
    });
    if (outcome.state !== "locked") return outcome.state === "committed";
    if (tries >= lockRetries) throw locked(work.file, tries, outcome.blockers, outcome.cause);
    const who =
      outcome.blockers[0] === undefined ? "" : `, blocked by ${describeBlocker(outcome.blockers[0])}`;
    progress(`${work.file}: no lock within ${lockTimeoutMs} ms (try ${tries} of ${lockRetries})${who}`);
    await clock.sleep(Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 1.5 ** (tries - 1)), signal);
  }
}

type Attempt =
  | { state: "committed" }
  | { state: "needless" }
  | { state: "locked"; blockers: Blocker[]; cause: unknown };

async function attempt(
  session: Session,
  options: MigrateOptions,
  work: FencedWork,
  { lockTimeoutMs, watched }: { lockTimeoutMs: number; watched: boolean },
): Promise<Attempt> {
  const watch = watched ? watchLocks(options.connectionString, session.pid, options.clock) : undefined;
  const limitLocks = async (): Promise<void> => {
    await session.query(`set local lock_timeout = ${lockTimeoutMs}`);
  };
  try {
    await session.query("begin transaction isolation level read committed read write");
    await limitLocks();
    await checkFence(session, options.fence);
    if (!(await work.run(session, { limitLocks }))) {
      await session.rollback();
      return { state: "needless" };
    }
    crashPoint("migrate.before-commit", work.label);
    await session.query("commit");
    crashPoint("migrate.after-commit", work.label);
    return { state: "committed" };
  } catch (error) {
    await session.rollback();
    if (!LOCK_STATES.includes(sqlStateOf(error) ?? "")) throw error;
    return { state: "locked", blockers: (await watch?.stop()) ?? [], cause: error };
  } finally {
    await watch?.stop();
  }
}

function locked(file: string, tries: number, blockers: readonly Blocker[], cause: unknown): TminusError {
  const who = blockers.length === 0 ? "nobody was caught blocking" : blockers.map(describeBlocker).join("; ");
  return new TminusError("MIGRATION_LOCKED", `${file} could not get its lock in ${tries} tries: ${who}`, {
    details: { file, tries, blockers },
    cause,
  });
}
