import { existsSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { TminusError } from "../../errors.ts";
import { run, type RunResult } from "../../lib/process.ts";
import { cachedFolder, removeAbandoned } from "./cache-folder.ts";
import { ownedName } from "./claim.ts";
import { makeServerFolder, processUser, type ServerAccount } from "./server-account.ts";
import type { ServerBinaries } from "./server-binaries.ts";
import { codeOf, unavailable } from "./unavailable.ts";

const INITDB_TIMEOUT_MS = 120_000;

export interface DataFolderOptions {
  binaries: ServerBinaries;
  cache: string;
  account: ServerAccount;
  /** False only for data that may be lost: skips waiting for the disk, and checksums of pages. */
  sync: boolean;
  signal?: AbortSignal | undefined;
}

/** Whether a Postgres data folder is there. Errors: STATE_UNAVAILABLE when it cannot be looked at. */
export function hasData(data: string): boolean {
  try {
    return statSync(join(data, "PG_VERSION"), { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw unavailable(`${data} cannot be read`, { data, reason: codeOf(error) }, { cause: error });
  }
}

/**
 * Checks that the account can run these binaries on the data.
 * Errors: STATE_UNAVAILABLE when another user owns the data or another major version wrote it.
 */
export function checkData(data: string, binaries: ServerBinaries, account: ServerAccount): void {
  const { uid } = statSync(data);
  if (uid !== account.uid) {
    throw unavailable(
      `the state database in ${data} belongs to user ${uid}`,
      { data, owner: uid, account: account.uid },
      {
        hint: `Run tminus as the user with the id ${uid}, or use another state folder.`,
      },
    );
  }
  const version = readFileSync(join(data, "PG_VERSION"), "utf8").trim();
  if (version === binaries.major) return;
  throw unavailable(
    `the state database was written by PostgreSQL ${version}, and this tminus brings ${binaries.major}`,
    {
      data,
      found: version,
      expected: binaries.major,
    },
    { hint: "Use the tminus version that wrote it." },
  );
}

/**
 * Makes a new data folder as a copy of this user's template, which is made on first use. The folder is there
 * complete and on disk, or not at all. Copies share the template's system identifier.
 * Errors: STATE_UNAVAILABLE.
 */
export async function createData(data: string, options: DataFolderOptions): Promise<void> {
  const { binaries, account } = options;
  const template = await prepareTemplate(options);
  removeAbandoned(data);
  const draft = join(dirname(data), `${basename(data)}.${ownedName()}`);
  makeServerFolder(draft, account);
  try {
    await succeed(["cp", "-R", "-p", `${template}/.`, `${draft}/`], options);
    if (options.sync) await succeed([binaries.initdb, "--sync-only", "-D", draft], options);
    renameSync(draft, data);
  } finally {
    if (existsSync(draft)) rmSync(draft, { recursive: true, force: true });
  }
}

function prepareTemplate(options: DataFolderOptions): Promise<string> {
  const { binaries, cache, account, sync } = options;
  return cachedFolder(
    join(cache, `template-${binaries.version}-${process.arch}${sync ? "" : "-careless"}`),
    account,
    async (content) => {
      makeServerFolder(content, account);
      const flags = [
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        sync ? "--data-checksums" : "--no-data-checksums",
        "--no-instructions",
      ];
      const locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
      await succeed([binaries.initdb, "-D", content, ...flags, ...locale], options);
    },
  );
}

async function succeed(argv: string[], { account, signal }: DataFolderOptions): Promise<void> {
  const result = await run(argv, {
    cwd: "/",
    env: serverEnvironment(),
    timeoutMs: INITDB_TIMEOUT_MS,
    ...processUser(account),
    ...(signal === undefined ? {} : { signal }),
  });
  if (result.exitCode === 0) return;
  signal?.throwIfAborted();
  throw failed(argv, result);
}

/** Nothing of the caller's environment but the search path reaches the server: PG… variables change what it does. */
export function serverEnvironment(): Record<string, string> {
  return { PATH: process.env.PATH ?? "/usr/bin:/bin", LANG: "C", LC_ALL: "C", TZ: "UTC" };
}

function failed(argv: string[], result: RunResult): TminusError {
  const reason = result.timedOut
    ? "took too long"
    : (result.startError ?? `ended with ${result.exitCode ?? result.signalName}`);
  const lastLine = result.output.trim().split("\n").at(-1) ?? "";
  return unavailable(`${basename(argv[0]!)} ${reason}: ${lastLine}`, {
    command: argv,
    output: result.output.slice(-4000),
  });
}
