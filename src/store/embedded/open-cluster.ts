import { TminusError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ProcessIdentity } from "../../lib/process.ts";
import { cacheRoot } from "./cache-folder.ts";
import { withClaim } from "./claim.ts";
import {
  claimFolder,
  findHome,
  makeHome,
  makeStateFolder,
  pointToHome,
  type ClusterHome,
} from "./cluster-home.ts";
import { checkData, createData, hasData } from "./data-folder.ts";
import { ensureDatabase, socketUrl, withDatabase } from "./database.ts";
import { canTraverse, serverAccount, type ServerAccount } from "./server-account.ts";
import { findBinaryPackage, prepareBinaries } from "./server-binaries.ts";
import { findServer, startServer, type RunningServer } from "./server.ts";
import { prepareSocketFolder } from "./socket-folder.ts";
import { CLAIM_TIMEOUT_MS, stopCluster } from "./stop-cluster.ts";
import { unavailable } from "./unavailable.ts";

/** A running Postgres server over a folder of this machine. */
export interface Cluster {
  /** Of the database "postgres", for `pg` and libpq: through a socket that only this user (and root) can reach. */
  connectionString: string;
  socketDirectory: string;
  postmaster: ProcessIdentity;
  /** True when the server was already running. */
  attached: boolean;
  /** Makes the database when it is missing; returns its connection string. Safe to repeat. */
  ensureDatabase(name: string): Promise<string>;
  /** Stops the server, whoever started it, and waits until it is gone. Open connections are cut. Safe to repeat. */
  stop(): Promise<void>;
}

export interface OpenClusterOptions {
  /** The state folder; made when missing. */
  directory: string;
  clock: Clock;
  /** Receives one line for each thing that takes time. */
  log?: (line: string) => void;
  /** Gives up; a server that this call started is stopped. */
  signal?: AbortSignal;
  /** Server settings on top of the built-in ones, for a server that this call starts. `fsync: "off"` also skips syncing new data. */
  settings?: Record<string, string>;
}

/**
 * Connects to the cluster of the state folder: attaches when its server runs, else starts it, which recovers
 * what a crash left, and makes it on the first call. Of several processes that call this at once one starts
 * the server and all get it. The server outlives the caller, also one that is killed.
 * Errors: STATE_UNAVAILABLE (details.log: end of the server's log), STATE_PLATFORM.
 */
export async function openCluster(options: OpenClusterOptions): Promise<Cluster> {
  try {
    return await attachOrStart(options);
  } catch (error) {
    if (error instanceof TminusError) throw error;
    options.signal?.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw unavailable(
      `the state database could not be opened: ${reason}`,
      { directory: options.directory },
      { cause: error },
    );
  }
}

async function attachOrStart(options: OpenClusterOptions): Promise<Cluster> {
  const account = serverAccount();
  const directory = makeStateFolder(options.directory, account);
  const running = await findRunning(directory, options);
  if (running !== undefined) return clusterOf(directory, running, true, options);
  const waiting = {
    clock: options.clock,
    timeoutMs: CLAIM_TIMEOUT_MS,
    signal: options.signal,
    onWait: () => options.log?.("waiting for another process that starts or stops the state database"),
  };
  return withClaim(claimFolder(directory), waiting, async () => {
    const meanwhile = await findRunning(directory, options);
    if (meanwhile !== undefined) return clusterOf(directory, meanwhile, true, options);
    return clusterOf(directory, await start(directory, account, options), false, options);
  });
}

async function findRunning(
  directory: string,
  options: OpenClusterOptions,
): Promise<RunningServer | undefined> {
  const home = findHome(directory);
  return home === undefined ? undefined : findServer(home.data, options);
}

async function start(
  directory: string,
  account: ServerAccount,
  options: OpenClusterOptions,
): Promise<RunningServer> {
  const packageFolder = findBinaryPackage();
  const cache = cacheRoot(account);
  const binaries = await prepareBinaries(packageFolder, cache, account);
  const home = findHome(directory) ?? makeHome(directory, cache, account);
  if (!hasData(home.data)) {
    refuseWhenLost(directory, home);
    options.log?.(`making the state database in ${home.folder}`);
    if (home.folder.startsWith(cache)) options.log?.(elsewhere(directory, account));
    const sync = options.settings?.fsync !== "off";
    await createData(home.data, { binaries, cache, account, sync, signal: options.signal });
  }
  if (findHome(directory) === undefined) pointToHome(directory, home);
  checkData(home.data, binaries, account);
  checkPassage(home, account);
  options.log?.(`starting PostgreSQL ${binaries.version} in ${home.folder}`);
  return startServer({
    postgres: binaries.postgres,
    data: home.data,
    socketDirectory: prepareSocketFolder(home.folder, account),
    logFile: home.logFile,
    account,
    settings: options.settings ?? {},
    clock: options.clock,
    signal: options.signal,
  });
}

function elsewhere(directory: string, account: ServerAccount): string {
  return `note: user ${account.uid}, as which the server runs, cannot enter ${directory}; many systems delete what lay unused in /var/tmp for 30 days`;
}

/** A new, empty journal in place of a lost one would let a run start as if nothing had happened. */
function refuseWhenLost(directory: string, home: ClusterHome): void {
  if (findHome(directory) === undefined) return;
  throw unavailable(
    `the data of the state database is gone: ${home.data} is not there`,
    { directory, data: home.data },
    {
      hint: `Restore ${home.folder} from a backup. To start with an empty state instead, remove ${directory}/cluster.json.`,
    },
  );
}

function checkPassage(home: ClusterHome, account: ServerAccount): void {
  if (canTraverse(home.folder, account)) return;
  throw unavailable(
    `user ${account.uid}, as which the server runs, can no longer enter ${home.folder}`,
    { home: home.folder },
    {
      hint: `Let others pass through the folders above it again (chmod o+x), or move the state folder's cluster.`,
    },
  );
}

function clusterOf(
  directory: string,
  server: RunningServer,
  attached: boolean,
  { clock }: OpenClusterOptions,
): Cluster {
  const connectionString = socketUrl(server.socketDirectory, "postgres");
  return {
    connectionString,
    socketDirectory: server.socketDirectory,
    postmaster: server.postmaster,
    attached,
    ensureDatabase: async (name) => {
      await ensureDatabase(connectionString, name);
      return withDatabase(connectionString, name);
    },
    stop: async () => {
      await stopCluster(directory, { clock });
    },
  };
}
