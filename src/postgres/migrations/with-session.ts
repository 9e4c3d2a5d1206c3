import { hasCode } from "../../errors.ts";
import { openSession, type Session } from "../session/connect.ts";
import type { MigrateOptions } from "./migrate-options.ts";
import { historyOf } from "./history/registry.ts";
import { takeOwnerLock, takeSessionLock } from "./session-lock.ts";

const RECONNECTS = 4;
const FIRST_BACKOFF_MS = 250;

/**
 * Runs `work` in a session that holds the session lock. When the connection is lost, also in the middle of a
 * commit, `work` is run again in a new one: it must begin by reading the ledger, which alone says what took
 * effect. Errors: DATABASE_UNREACHABLE when the database stays away; it is then not known how far it came.
 */
export async function withSession<T>(
  options: MigrateOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { clock, signal, progress, reconnects = RECONNECTS } = options;
  for (let tries = 0; ; tries++) {
    try {
      await using session = await openSession({ ...options, purpose: purposeOf(options), direct: true });
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

/** Marks the sessions of a run's step, also those that a killed process left behind. */
export function purposeOf({ runKey }: Pick<MigrateOptions, "runKey">): string {
  return `migrate ${runKey}`;
}
