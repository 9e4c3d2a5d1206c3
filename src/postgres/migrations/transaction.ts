import { TminusError } from "../../errors.ts";
import { crashPoint } from "../../lib/crash-point.ts";
import { randomFraction } from "../../lib/id.ts";
import { sqlStateOf, type Session } from "../session/connect.ts";
import { fenceSql, judgeFence } from "../session/fence.ts";
import { describeBlocker, watchLocks, type AwaitedLock, type Blocker } from "../session/lock-watch.ts";
import { waitUntilFree } from "../session/wait-until-free.ts";
import { strongLocks } from "../sql/strong-locks.ts";
import type { Statement } from "../sql/statements.ts";
import { lookOptions, type MigrateOptions } from "./migrate-options.ts";
import { asStatementError } from "./run-statement.ts";

const FIRST_LOCK_TIMEOUT_MS = 50;
const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 1_000;
/** lock_not_available, deadlock_detected. */
const LOCK_STATES = ["55P03", "40P01"];
/** What may change the transaction's lock_timeout. */
const CHANGES_PATIENCE = /lock_timeout|\breset\b|\bdiscard\b/i;

export interface FencedWork {
  /** For messages and crash points: the version, and the direction unless it is up. */
  label: string;
  /** File name for messages. */
  file: string;
  /** What `run` is going to run: before each try it is waited until nobody holds for long what they lock. */
  statements?: readonly Statement[];
  /** Answers false when there is nothing to do after all; the transaction is then rolled back. */
  run(session: Session, transaction: FencedTransaction): Promise<boolean>;
}

export interface FencedTransaction {
  /** Sets this transaction's lock_timeout, which a migration may have changed. */
  limitLocks(): Promise<void>;
  /**
   * Runs statements of the file, then SQL of ours, and commits, all in one message: what they lock is free
   * again without a round trip. Nothing can be done in the transaction after it. Errors: MIGRATION_FAILED.
   */
  commitWith(statements: readonly Statement[], ours: readonly string[]): Promise<void>;
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
  const targets = await strongLocks(work.statements ?? []);
  let first: AwaitedLock | undefined;
  for (let tries = 1, patienceMs = FIRST_LOCK_TIMEOUT_MS; ; tries++, patienceMs *= 2) {
    patienceMs = Math.min(options.lockTimeoutMs, patienceMs);
    patienceMs = await waitUntilFree(session, targets, lookOptions(options, work.file, patienceMs));
    const outcome = await attempt(session, options, work, {
      lockTimeoutMs: patienceMs,
      watched: tries > 1 || lockRetries === 1,
      first,
    });
    if (outcome.state !== "locked") return outcome.state === "committed";
    first = outcome.awaited;
    if (tries >= lockRetries) throw locked(work.file, tries, outcome.blockers, outcome.cause);
    const who =
      outcome.blockers[0] === undefined ? "" : `, blocked by ${describeBlocker(outcome.blockers[0])}`;
    progress(`${work.file}: no lock within ${patienceMs} ms (try ${tries} of ${lockRetries})${who}`);
    await clock.sleep(jittered(Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 1.5 ** (tries - 1))), signal);
  }
}

type Attempt =
  | { state: "committed" }
  | { state: "needless" }
  | { state: "locked"; blockers: Blocker[]; awaited: AwaitedLock | undefined; cause: unknown };

async function attempt(
  session: Session,
  options: MigrateOptions,
  work: FencedWork,
  {
    lockTimeoutMs,
    watched,
    first,
  }: { lockTimeoutMs: number; watched: boolean; first: AwaitedLock | undefined },
): Promise<Attempt> {
  const watch = watched ? watchLocks(options.connectionString, session.pid, options.clock) : undefined;
  const limit = `set local lock_timeout = ${lockTimeoutMs}`;
  let isCommitted = false;
  try {
    await begin(session, limit, options);
    if (first !== undefined) await lockFirst(session, first);
    const wanted = await work.run(session, {
      limitLocks: async () => void (await session.query(limit)),
      async commitWith(statements, ours) {
        crashPoint("migrate.before-commit", work.label);
        await commitWith(session, work.file, statements, { ours, limit });
        isCommitted = true;
      },
    });
    if (!wanted) {
      await session.rollback();
      return { state: "needless" };
    }
    if (!isCommitted) {
      crashPoint("migrate.before-commit", work.label);
      await session.query("commit");
    }
    crashPoint("migrate.after-commit", work.label);
    return { state: "committed" };
  } catch (error) {
    await session.rollback();
    if (!LOCK_STATES.includes(sqlStateOf(error) ?? "")) throw error;
    const blockers = (await watch?.stop()) ?? [];
    return { state: "locked", blockers, awaited: watch?.awaited(), cause: error };
  } finally {
    await watch?.stop();
  }
}

/**
 * The lock that the last try waited for in vain, before all others: the application, which locks the same tables
 * in another order, would wait for what this transaction holds already, and neither would get on.
 */
async function lockFirst(session: Session, { table, mode }: AwaitedLock): Promise<void> {
  const [found] = await session.query<{ there: boolean }>("select to_regclass($1) is not null as there", [
    table,
  ]);
  if (found?.there === true) await session.query(`lock table only ${table} in ${mode} mode`);
}

/** The session's own settings again, so that nothing reaches from one file into the next; one round trip. */
async function begin(session: Session, limit: string, { fence }: MigrateOptions): Promise<void> {
  const outcome = await session.script([
    "begin transaction isolation level read committed read write",
    ...session.resetSql,
    limit,
    fenceSql(fence),
  ]);
  if ("error" in outcome) throw outcome.error;
  judgeFence(outcome.rows.at(-1) ?? [], fence);
}

async function commitWith(
  session: Session,
  file: string,
  statements: readonly Statement[],
  { ours, limit }: { ours: readonly string[]; limit: string },
): Promise<void> {
  const sources: (Statement | undefined)[] = [];
  const script: string[] = [];
  const add = (text: string, source?: Statement): void => {
    script.push(text);
    sources.push(source);
  };
  for (const statement of statements) {
    add(statement.text, statement);
    if (CHANGES_PATIENCE.test(statement.text)) add(limit);
  }
  for (const text of [...ours, "commit"]) add(text);
  const outcome = await session.script(script);
  if (!("error" in outcome)) return;
  const source = sources[outcome.failed];
  throw source === undefined
    ? outcome.error
    : asStatementError(file, source, outcome.error, outcome.position);
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
