import type { Reading } from "../session/connect.ts";

/** How many connections there are and may be, on the whole server. */
export interface PoolFacts {
  used: number;
  /** What ordinary roles may use: max_connections without the reserved ones. */
  limit: number;
  usedPercent: number;
  /** Largest first. */
  groups: { database: string; user: string; application: string; state: string; connections: number }[];
}

/** Connections as a share of what the server allows; also those whose type the server hides from this role. Reads only. */
export async function readPool(session: Reading): Promise<PoolFacts> {
  const [limits] = await session.query<{ limit: number }>(
    `select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
       - coalesce(current_setting('reserved_connections', true), '0')::int as limit`,
  );
  const groups = await session.query<PoolFacts["groups"][number]>(
    `select coalesce(datname, '') as database, coalesce(usename, '') as user,
       coalesce(application_name, '') as application, coalesce(state, 'hidden') as state, count(*)::int as connections
     from pg_stat_activity where pid <> pg_backend_pid()
       and (backend_type = 'client backend' or (backend_type is null and usesysid is not null))
     group by 1, 2, 3, 4 order by connections desc, 1, 2, 3, 4`,
  );
  const used = groups.reduce((sum, { connections }) => sum + connections, 0);
  const limit = limits?.limit ?? 0;
  return { used, limit, usedPercent: limit === 0 ? 100 : Math.round((1000 * used) / limit) / 10, groups };
}
