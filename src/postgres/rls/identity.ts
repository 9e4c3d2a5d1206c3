import type { Session } from "../session/connect.ts";

/** As whom a probe asks. */
export interface Identity {
  /** Database role. */
  role: string;
  /** Handed over as request.jwt.claims; sub and role are filled in. */
  claims: Record<string, unknown>;
  /** Settings for this session, such as app.tenant. */
  set: Record<string, string>;
  /** Value of the tenant column that is this identity's own. */
  tenant?: string | undefined;
}

/** Becomes the identity until the transaction, or the savepoint before it, ends. Errors: what the session throws. */
export async function become(session: Session, { role, claims, set }: Identity): Promise<void> {
  const all = { role, ...claims };
  const settings: Record<string, string> = {
    "request.jwt.claims": JSON.stringify(all),
    "request.jwt.claim.role": role,
    ...(typeof claims.sub === "string" ? { "request.jwt.claim.sub": claims.sub } : {}),
    ...set,
  };
  for (const [name, value] of Object.entries(settings))
    await session.query("select set_config($1, $2, true)", [name, value]);
  await session.query("select set_config('role', $1, true)", [role]);
}
