import { crashPoint } from "../../lib/crash-point.ts";
import { sqlStateOf, UNPREPARED, type Session } from "../session/connect.ts";
import { judgeFence } from "../session/fence.ts";
import { watchLocks } from "../session/lock-watch.ts";
import {
  isAboutLocks,
  lockedOut,
  lockFirstSql,
  withLockRetries,
  type Attempt,
  type AttemptManner,
} from "./lock-retries.ts";
import type { Migration } from "./migration.ts";
import type { MigrateOptions } from "./migrate-options.ts";
import { REFUSED, type OurStatements } from "./our-statements.ts";
import { ownerSql, ownRoleSql } from "./record.ts";
import { asMigrationError, asStatementError } from "./run-statement.ts";
import { BEGIN, withPatience, type ScriptPart } from "./transaction.ts";

/**
 * Applies a file in one fenced transaction that is one message: no lock is held over a round trip, and a small
 * file costs one. Expects the session's own settings and leaves them. Answers whether it was applied; false when
 * another run did it. Errors: MIGRATION_FAILED, MIGRATION_LOCKED, LEASE_LOST; DATABASE_UNREACHABLE when it is not known.
 */
export async function applyInOneMessage(
  session: Session,
  migration: Migration,
  ours: OurStatements,
  options: MigrateOptions,
): Promise<boolean> {
  const { file, up } = migration;
  const work = { file, statements: up, looksItself: true };
  return asMigrationError(file, () =>
    withLockRetries(session, options, work, (manner) =>
      attempt(session, migration, { ours, options, manner }),
    ),
  );
}

interface Means {
  ours: OurStatements;
  options: MigrateOptions;
  manner: AttemptManner;
}

async function attempt(session: Session, migration: Migration, means: Means): Promise<Attempt> {
  const { options, manner } = means;
  const message = await messageOf(session, migration, means);
  const watch = manner.watched ? watchLocks(options.connectionString, session.pid, options.clock) : undefined;
  try {
    crashPoint("migrate.before-commit", migration.version);
    const outcome = await session.script(message.map(({ text }) => text));
    if (!("error" in outcome)) {
      crashPoint("migrate.after-commit", migration.version);
      return { state: "committed" };
    }
    await session.rollback();
    const { error, failed, position } = outcome;
    const { source, role } = message[failed] ?? {};
    if (isAboutLocks(error)) return await lockedOut(watch, error);
    if (source !== undefined) throw asStatementError(migration.file, source, error, position);
    return (await judge(session, role, { error, means })) ?? (await attempt(session, migration, means));
  } catch (error) {
    await session.rollback();
    throw error;
  } finally {
    await watch?.stop();
  }
}

/** What it means that a statement of ours failed; undefined when it is to be tried again. */
async function judge(
  session: Session,
  role: Role | undefined,
  { error, means: { ours, options } }: { error: Error; means: Means },
): Promise<Attempt | undefined> {
  if (role === "after") {
    await session.reset();
    return { state: "committed" };
  }
  const state = sqlStateOf(error);
  if (role === undefined || (state !== REFUSED && state !== UNPREPARED)) throw error;
  if (state === UNPREPARED) {
    ours.doWithoutPrepared();
    return undefined;
  }
  if (role === "fence") judgeFence([], options.fence);
  if (role === "record") return { state: "needless" };
  if (role === "look") return { state: "held" };
  throw error;
}

/** after: the file is committed. */
type Role = "fence" | "record" | "look" | "finish" | "after";

async function messageOf(
  session: Session,
  migration: Migration,
  { ours, options, manner: { lockTimeoutMs, unseen, first } }: Means,
): Promise<(ScriptPart & { role?: Role })[]> {
  const limit = `set local lock_timeout = ${lockTimeoutMs}`;
  const owners = await ownerSql(session, migration);
  const lock = await lockFirstSql(session, first);
  return [
    { text: BEGIN },
    { text: limit },
    { text: ours.fence(options.fence), role: "fence" },
    ...(lock === undefined ? [] : [{ text: lock }]),
    // The row comes first: a second run that got past every lock waits for it, and then sees that it is needless.
    { text: ours.record(migration, options), role: "record" },
    ...(owners === undefined ? [] : [{ text: owners }]),
    ...(unseen.length === 0 ? [] : [{ text: ours.look(unseen), role: "look" as const }]),
    ...withPatience(migration.up, limit),
    ...ownRoleSql(migration.up).map((text) => ({ text })),
    { text: ours.finish(migration.version), role: "finish" },
    { text: "commit" },
    // The text is read as a whole before it runs: what a file sets must be gone before the next one is sent.
    ...session.resetSql.map((text) => ({ text, role: "after" as const })),
  ];
}
