import { TminusError } from "../../errors.ts";
import { concurrentIndex, type ConcurrentIndex } from "./concurrent-index.ts";
import type { Session } from "../session/connect.ts";
import { readIndexState } from "./index-state.ts";
import type { MigrateOptions } from "./migrate-options.ts";
import { asMigrationError, runStatement } from "./run-statement.ts";
import type { Statement } from "../sql/statements.ts";
import { inFencedTransaction } from "./transaction.ts";

export interface OutsideWork {
  version: string;
  direction: "up" | "down";
  file: string;
  statement: Statement;
  /** Whether the ledger still asks for it; runs in a fenced transaction. */
  isNeeded(session: Session): Promise<boolean>;
  /** Writes the ledger; runs in the fenced transaction that ends the work. */
  record(session: Session): Promise<void>;
}

/**
 * Runs a statement that cannot be in a transaction with its ledger row. A row in tminus.migration_begun tells
 * the next attempt that what the catalog shows is this work's own: a finished index is then adopted, an invalid
 * one dropped before the statement is run again. Errors: MIGRATION_FAILED, LEASE_LOST, DATABASE_UNREACHABLE.
 */
export async function runOutside(
  session: Session,
  work: OutsideWork,
  options: MigrateOptions,
): Promise<void> {
  const target = concurrentIndex(work.statement.code);
  if (target === undefined) {
    throw new TminusError("MIGRATION_INVALID", `${at(work)}: the statement cannot run outside a transaction`);
  }
  const label = work.direction === "up" ? work.version : `${work.version} down`;
  let isRepeat = false;
  const begun = await asMigrationError(work.file, () =>
    inFencedTransaction(session, options, {
      label: `${label} begin`,
      file: work.file,
      async run() {
        if (!(await work.isNeeded(session))) return false;
        isRepeat = await begin(session, work, options);
        if (!isRepeat) await refuseForeignIndex(session, work, target);
        return true;
      },
    }),
  );
  if (!begun) return;
  await carryOut(session, work, target, { isRepeat, options });
  await asMigrationError(work.file, () =>
    inFencedTransaction(session, options, {
      label,
      file: work.file,
      async run() {
        await work.record(session);
        await forget(session, work);
        return true;
      },
    }),
  );
}

async function carryOut(
  session: Session,
  work: OutsideWork,
  target: ConcurrentIndex,
  { isRepeat, options }: { isRepeat: boolean; options: MigrateOptions },
): Promise<void> {
  const before = await readIndexState(session, target);
  if (isRepeat) {
    const isDone = target.action === "create" ? before.state === "valid" : before.state === "absent";
    if (isDone) return;
    if (target.action === "create" && before.state === "invalid") {
      options.progress(`${work.file}: dropping the invalid index ${before.name} of an earlier attempt`);
      await dropConcurrently(session, before.name);
    }
  }
  // It waits for old transactions without keeping anybody else from the table; statement_timeout bounds it.
  await session.query("set lock_timeout = 0");
  try {
    await asMigrationError(work.file, () => runStatement(session, work.file, work.statement));
  } catch (error) {
    await cleanUp(session, work, target, options);
    throw error;
  }
  const after = await readIndexState(session, target);
  if (target.action === "create" && after.state !== "valid") {
    throw new TminusError("MIGRATION_FAILED", `${at(work)}: the index is ${after.state} after it was built`);
  }
}

/** An invalid index costs every write and, when unique, refuses some: it is taken away at once where possible. */
async function cleanUp(
  session: Session,
  work: OutsideWork,
  target: ConcurrentIndex,
  options: MigrateOptions,
): Promise<void> {
  try {
    if (target.action === "create") {
      const left = await readIndexState(session, target);
      if (left.state === "invalid") await dropConcurrently(session, left.name);
    }
    await forget(session, work);
  } catch (error) {
    // The statement's own error is what is reported; the row in migration_begun makes the next attempt clean up.
    options.progress(
      `${work.file}: not cleaned up yet: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Drops an index by its quoted name without keeping anybody from its table. */
export async function dropConcurrently(session: Session, quotedName: string): Promise<void> {
  await session.query("set lock_timeout = 0");
  await session.query(`drop index concurrently if exists ${quotedName}`);
}

/** An index of this name that no attempt of ours began is not ours to adopt or to drop. */
async function refuseForeignIndex(
  session: Session,
  work: OutsideWork,
  target: ConcurrentIndex,
): Promise<void> {
  if (target.action === "drop") return;
  const found = await readIndexState(session, target);
  if (found.state === "absent") return;
  throw new TminusError(
    "MIGRATION_FAILED",
    `${at(work)}: ${found.state === "valid" ? "an index" : "an invalid index"} of this name exists already`,
    { hint: `Look at the index ${target.index}, drop it if it is not needed, and deploy again.` },
  );
}

/** Answers whether an earlier attempt began. */
async function begin(
  session: Session,
  { version, direction, statement }: OutsideWork,
  { runKey, fence }: MigrateOptions,
): Promise<boolean> {
  const [earlier] = await session.query(
    "select 1 from tminus.migration_begun where version = $1 and direction = $2 and code = $3",
    [version, direction, statement.code],
  );
  await session.query(
    `insert into tminus.migration_begun (version, direction, code, run_key, fence_token) values ($1, $2, $3, $4, $5)
     on conflict (version, direction) do update
     set code = excluded.code, run_key = excluded.run_key, fence_token = excluded.fence_token`,
    [version, direction, statement.code, runKey, fence.token],
  );
  return earlier !== undefined;
}

async function forget(session: Session, { version, direction }: OutsideWork): Promise<void> {
  await session.query("delete from tminus.migration_begun where version = $1 and direction = $2", [
    version,
    direction,
  ]);
}

function at({ file, statement }: OutsideWork): string {
  return `${file}:${statement.line}`;
}
