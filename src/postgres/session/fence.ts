import { TminusError } from "../../errors.ts";
import type { Fence } from "../../model/ports.ts";
import type { Session } from "./connect.ts";
import { literal } from "./literal.ts";

/**
 * To be called inside the transaction that it protects: it ends the transaction of whoever was overtaken, and
 * keeps any newer run waiting until this transaction ends. Errors: LEASE_LOST when a newer token was seen.
 */
export async function checkFence(session: Session, fence: Fence): Promise<void> {
  judgeFence(await session.query(fenceSql(fence)), fence);
}

/** The statement behind checkFence, to be sent together with others; its rows are for judgeFence. */
export function fenceSql({ environment, token }: Fence): string {
  return fenceText(literal(environment), literal(token));
}

/** As fenceSql, of two pieces of SQL, such as parameters. */
export function fenceText(environment: string, token: string): string {
  return `insert into tminus.fence as f (environment, token) values (${environment}, ${token})
     on conflict (environment) do update set token = excluded.token where f.token <= excluded.token
     returning token`;
}

/** Errors: LEASE_LOST when the statement of fenceSql answered no row. */
export function judgeFence(rows: readonly unknown[], { environment, token }: Fence): void {
  if (rows.length > 0) return;
  throw new TminusError(
    "LEASE_LOST",
    `the database has seen a newer run of ${environment} than token ${token}; nothing was changed`,
    { details: { environment, token } },
  );
}

/** The token that the database saw last, 0 before the first. Reads only. */
export async function lastFence(session: Session, environment: string): Promise<Fence> {
  const [made] = await session.query<{ made: boolean }>(
    "select to_regclass('tminus.fence') is not null as made",
  );
  if (made?.made !== true) return { environment, token: 0 };
  const [row] = await session.query<{ token: number }>(
    "select token::float8 as token from tminus.fence where environment = $1",
    [environment],
  );
  return { environment, token: row?.token ?? 0 };
}
