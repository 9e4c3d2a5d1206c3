import { hasCode } from "../../errors.ts";
import { openSession, type Session } from "../session/connect.ts";
import type { Backfill } from "./backfill.ts";
import { STATEMENT_TIMEOUT_MS, type BackfillOptions } from "./worker.ts";

const RECONNECTS = 6;
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 8_000;

/**
 * Runs `work` in a session with the settings under which the expressions were read, and again in a new one when
 * the connection is lost: the checkpoint says how far it came. Errors: DATABASE_POOLED, because a pooler would
 * give these settings to others and run the batches without them; DATABASE_UNREACHABLE.
 */
export async function withBackfillSession<T>(
  { title, searchPath }: Pick<Backfill, "title" | "searchPath">,
  options: BackfillOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { clock, signal, progress, reconnects = RECONNECTS } = options;
  for (let tries = 0; ; tries++) {
    try {
      await using session = await openSession({
        connectionString: options.connectionString,
        purpose: `backfill ${title}`,
        statementTimeoutMs: STATEMENT_TIMEOUT_MS,
        signal,
        direct: true,
      });
      await settleBackfill(session, searchPath);
      return await work(session);
    } catch (error) {
      if (!hasCode(error, "DATABASE_UNREACHABLE") || tries >= reconnects) throw error;
      progress(`${error.message}; connecting again to see how far it came`);
      await clock.sleep(Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** tries), signal);
    }
  }
}

/**
 * The settings under which the expressions were read. To be repeated after inFencedTransaction, which resets the
 * session: with row security on, an expression that reads another table would take hidden rows for missing ones.
 */
export async function settleBackfill(session: Session, searchPath: string): Promise<void> {
  await session.query(`set search_path = ${searchPath}; set row_security = off`);
}
