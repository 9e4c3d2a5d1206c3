import { crashPoint } from "../../lib/crash-point.ts";
import type { Session } from "../session/connect.ts";
import { fenceSql, judgeFence } from "../session/fence.ts";
import { watchLocks } from "../session/lock-watch.ts";
import type { Statement } from "../sql/statements.ts";
import {
  isAboutLocks,
  lockedOut,
  lockFirstSql,
  withLockRetries,
  type Attempt,
  type AttemptManner,
} from "./lock-retries.ts";
import type { MigrateOptions } from "./migrate-options.ts";
import { asStatementError, runStatement } from "./run-statement.ts";

/** What may change the transaction's lock_timeout. */
const CHANGES_PATIENCE = /lock_timeout|\breset\b|\bdiscard\b/i;

/** Whatever the database's defaults are. */
export const BEGIN = "begin transaction isolation level read committed read write";

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
  /** Runs one statement of the file; what it does to lock_timeout ends with it. Errors: MIGRATION_FAILED. */
  run(statement: Statement): Promise<void>;
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
  return withLockRetries(session, options, work, (manner) => attempt(session, options, work, manner));
}

async function attempt(
  session: Session,
  options: MigrateOptions,
  work: FencedWork,
  { lockTimeoutMs, watched, first }: AttemptManner,
): Promise<Attempt> {
  const watch = watched ? watchLocks(options.connectionString, session.pid, options.clock) : undefined;
  const limit = `set local lock_timeout = ${lockTimeoutMs}`;
  let isCommitted = false;
  try {
    await begin(session, limit, options);
    const lock = await lockFirstSql(session, first);
    if (lock !== undefined) await session.query(lock);
    const wanted = await work.run(session, {
      async run(statement) {
        await runStatement(session, work.file, statement);
        if (changesPatience(statement)) await session.query(limit);
      },
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
    if (!isAboutLocks(error)) throw error;
    return lockedOut(watch, error);
  } finally {
    await watch?.stop();
  }
}

/** The session's own settings again, so that nothing reaches from one file into the next; one round trip. */
async function begin(session: Session, limit: string, { fence }: MigrateOptions): Promise<void> {
  const outcome = await session.script([BEGIN, ...session.resetSql, limit, fenceSql(fence)]);
  if ("error" in outcome) throw outcome.error;
  judgeFence(outcome.rows.at(-1) ?? [], fence);
}

async function commitWith(
  session: Session,
  file: string,
  statements: readonly Statement[],
  { ours, limit }: { ours: readonly string[]; limit: string },
): Promise<void> {
  const parts: ScriptPart[] = [
    ...withPatience(statements, limit),
    ...[...ours, "commit"].map((text) => ({ text })),
  ];
  const outcome = await session.script(parts.map(({ text }) => text));
  if (!("error" in outcome)) return;
  const source = parts[outcome.failed]?.source;
  throw source === undefined
    ? outcome.error
    : asStatementError(file, source, outcome.error, outcome.position);
}

/** SQL of a message. */
export interface ScriptPart {
  text: string;
  /** The file's statement that it is; ours otherwise. */
  source?: Statement;
}

/** Statements of a file; after those that may change lock_timeout, `limit` sets it again. */
export function withPatience(statements: readonly Statement[], limit: string): ScriptPart[] {
  return statements.flatMap((source): ScriptPart[] => {
    const { text } = source;
    return changesPatience(source) ? [{ text, source }, { text: limit }] : [{ text, source }];
  });
}

function changesPatience({ text }: Statement): boolean {
  return CHANGES_PATIENCE.test(text);
}
