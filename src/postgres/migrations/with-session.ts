import { hasCode, TminusError } from "../../errors.ts";
import { openSession, type Session } from "../session/connect.ts";
import type { MigrateOptions } from "./migrate-options.ts";
import { historyOf } from "./history/registry.ts";
import { takeOwnerLock, takeSessionLock } from "./session-lock.ts";

const RECONNECTS = 4;
const FIRST_BACKOFF_MS = 250;

/**
 * Runs `work` in a session that holds the session lock. When the connection is lost, also in the middle of a
 * commit, `work` is run again in a new one: it must begin by reading the ledger, which alone says what took
 * effect. Errors: MIGRATION_REFUSED where the database reads files in another way; DATABASE_UNREACHABLE when it
 * stays away: it is then not known how far it came.
 */
export async function withSession<T>(
  options: MigrateOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { clock, signal, progress, reconnects = RECONNECTS } = options;
  for (let tries = 0; ; tries++) {
    try {
      await using session = await openSession({ ...options, purpose: purposeOf(options), direct: true });
      await refuseOtherStrings(session);
      await takeSessionLock(session, options);
      const { owner } = historyOf(options.format ?? "native");
      if (owner?.lockKey !== undefined) await takeOwnerLock(session, owner.lockKey, owner.name, options);
      return await work(session);
    } catch (error) {
      if (!hasCode(error, "DATABASE_UNREACHABLE") || tries >= reconnects) throw error;
      progress(`${error.message}; connecting again to see what took effect`);
      await clock.sleep(FIRST_BACKOFF_MS * 2 ** tries, signal);
    }
  }
}

/** Files are split as PostgreSQL reads them by default: elsewhere a string could hide the end of a statement. */
async function refuseOtherStrings(session: Session): Promise<void> {
  const [row] = await session.query<{ standard: string }>(
    "select current_setting('standard_conforming_strings') as standard",
  );
  if (row?.standard === "on") return;
  throw new TminusError(
    "MIGRATION_REFUSED",
    "this database reads backslashes in plain strings as escapes (standard_conforming_strings is off), and files are not read so; nothing was changed",
    {
      hint: "Set it for the role that migrates: ALTER ROLE … SET standard_conforming_strings = on; strings that escape with backslashes are then written as E'…'.",
    },
  );
}

/** Marks the sessions of a run's step, also those that a killed process left behind. */
export function purposeOf({ runKey }: Pick<MigrateOptions, "runKey">): string {
  return `migrate ${runKey}`;
}
