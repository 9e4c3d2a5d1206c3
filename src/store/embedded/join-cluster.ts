import { openClient, type Client } from "../pool.ts";
import { withClaim } from "./claim.ts";
import { claimFolder } from "./cluster-home.ts";
import { openCluster, type Cluster, type OpenClusterOptions } from "./open-cluster.ts";
import { CLAIM_TIMEOUT_MS, stopClaimedCluster } from "./stop-cluster.ts";
import { codeOf, unavailable } from "./unavailable.ts";

const MEMBER = "tminus member";
const TRIES = 10;
/** How long sessions that were just closed may still be listed. */
const FADING_MS = 1_000;
const POLL_MS = 20;

/** One who uses the cluster, known to all others by a session of its own for as long as it lives. */
export interface Member {
  cluster: Cluster;
  /**
   * Ends the membership. With `stopServer` the server is stopped when there is no other member and no other
   * session; close your own sessions before. Errors: STATE_UNAVAILABLE.
   */
  leave(options: { stopServer: boolean }): Promise<void>;
}

/**
 * `openCluster`, and from then on the server is not stopped by others who leave, however idle this member is.
 * Joining and leaving take the claim of the state folder, so that nobody joins a server that is about to be
 * stopped. Errors: those of `openCluster`.
 */
export async function joinCluster(options: OpenClusterOptions): Promise<Member> {
  for (let tries = 0; tries < TRIES; tries++) {
    const cluster = await openCluster(options);
    const session = await withClaim(claimFolder(options.directory), claiming(options), () =>
      enter(cluster.connectionString),
    );
    if (session !== undefined) return memberOf(cluster, session, options);
  }
  throw unavailable("the database server was stopped again and again while it was to be used", {
    directory: options.directory,
  });
}

function claiming({ clock, signal }: OpenClusterOptions) {
  return { clock, signal, timeoutMs: CLAIM_TIMEOUT_MS };
}

/** A session that lasts; undefined when the server was stopped in between. */
async function enter(connectionString: string): Promise<Client | undefined> {
  try {
    return await openClient(connectionString, MEMBER);
  } catch (error) {
    if (["ENOENT", "ECONNREFUSED", "57P01", "57P03"].includes(codeOf(error) ?? "")) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    throw unavailable(`the database server refuses a session: ${reason}`, {}, { cause: error });
  }
}

function memberOf(cluster: Cluster, session: Client, options: OpenClusterOptions): Member {
  return {
    cluster,
    async leave({ stopServer }) {
      if (!stopServer) return session.end();
      await withClaim(claimFolder(options.directory), claiming(options), async () => {
        const alone = await isAlone(session, options);
        await session.end();
        if (alone) await stopClaimedCluster(options.directory, options);
      });
    },
  };
}

async function isAlone(session: Client, { clock, signal }: OpenClusterOptions): Promise<boolean> {
  const until = clock.monotonicMs() + FADING_MS;
  for (;;) {
    const { members, others } = await countSessions(session);
    if (members > 0) return false;
    if (others === 0) return true;
    if (clock.monotonicMs() > until) return false;
    await clock.sleep(POLL_MS, signal);
  }
}

async function countSessions(session: Client): Promise<{ members: number; others: number }> {
  const { rows } = await session.query<{ members: number; others: number }>(
    `select count(*) filter (where application_name = $1)::int as members,
            count(*) filter (where application_name <> $1)::int as others
     from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
    [MEMBER],
  );
  return rows[0]!;
}
