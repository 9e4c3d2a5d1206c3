import { TminusError } from "../../errors.ts";
import type { Fence } from "../../model/ports.ts";
import type { Session } from "./connect.ts";

/**
 * To be called inside the transaction that it protects: it ends the transaction of whoever was overtaken, and
 * keeps any newer run waiting until this transaction ends. Errors: LEASE_LOST when a newer token was seen.
 */
export async function checkFence(session: Session, fence: Fence): Promise<void> {
  const rows = await session.query(
    `insert into tminus.fence as f (environment, token) values ($1, $2)
     on conflict (environment) do update set token = excluded.token where f.token <= excluded.token
     returning token`,
    [fence.environment, fence.token],
  );
  if (rows.length === 0) {
    throw new TminusError(
      "LEASE_LOST",
      `the database has seen a newer run of ${fence.environment} than token ${fence.token}; nothing was changed`,
      { details: { environment: fence.environment, token: fence.token } },
    );
  }
}
