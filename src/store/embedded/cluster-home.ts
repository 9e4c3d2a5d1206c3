import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import * as z from "zod";
import { sha256 } from "../../lib/hash.ts";
import { randomText } from "../../lib/id.ts";
import { canTraverse, makePassageFolder, type ServerAccount } from "./server-account.ts";
import { codeOf, unavailable } from "./unavailable.ts";

/** Where a cluster lives. The state folder itself holds only the pointer to it and the claims. */
export interface ClusterHome {
  /** Holds the three below; made with `makeHome`. */
  folder: string;
  data: string;
  logFile: string;
}

const pointerSchema = z.strictObject({
  /** Version of this file's form. */
  format: z.literal(1),
  /** Folder of the cluster, relative to the pointer's own folder unless absolute. */
  home: z.string().min(1),
});

/** Makes the state folder when it is missing, with its parents; returns its real path. */
export function makeStateFolder(directory: string, account: ServerAccount): string {
  const path = resolve(directory);
  try {
    // Root's new folders must let the server's account pass; what needs hiding is hidden below.
    mkdirSync(path, { recursive: true, mode: account.switches ? 0o711 : 0o700 });
    return realpathSync(path);
  } catch (error) {
    throw unavailable(
      `the state folder ${path} could not be made`,
      { directory: path, reason: codeOf(error) },
      { cause: error },
    );
  }
}

/**
 * The home that the state folder points to; undefined when no cluster was ever made for it.
 * Errors: STATE_UNAVAILABLE when the pointer cannot be read.
 */
export function findHome(directory: string): ClusterHome | undefined {
  const file = pointerFile(directory);
  try {
    const { home } = pointerSchema.parse(JSON.parse(readFileSync(file, "utf8")));
    return homeAt(resolve(realpathSync(directory), home));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw unavailable(
      `${file} cannot be used`,
      { file, reason: codeOf(error) ?? String(error) },
      { cause: error },
    );
  }
}

/**
 * Makes the home of a new cluster: inside the state folder when the account can get there, else under
 * `cache`. It counts as the cluster's only after `pointToHome`.
 */
export function makeHome(directory: string, cache: string, account: ServerAccount): ClusterHome {
  const inside = canTraverse(directory, account);
  const folder = inside ? join(directory, "cluster") : freeName(join(cache, sha256(directory).slice(0, 16)));
  makePassageFolder(folder, account);
  return homeAt(folder);
}

/** Writes the pointer, so that every later start finds this home, and one that was lost is noticed. */
export function pointToHome(directory: string, home: ClusterHome): void {
  const inside = dirname(home.folder) === directory;
  const file = pointerFile(directory);
  const draft = `${file}.${randomText(8)}`;
  writeFileSync(draft, `${JSON.stringify({ format: 1, home: inside ? "cluster" : home.folder })}\n`, {
    flush: true,
  });
  chmodSync(draft, 0o644);
  renameSync(draft, file);
  for (const folder of [home.folder, dirname(home.folder), directory]) syncFolder(folder);
}

/** From now on no cluster was ever made for this state folder. */
export function removePointer(directory: string): void {
  rmSync(pointerFile(directory), { force: true });
}

/** The folder of the claims of those who start or stop the cluster. */
export function claimFolder(directory: string): string {
  return join(directory, "cluster.claims");
}

function pointerFile(directory: string): string {
  return join(directory, "cluster.json");
}

function homeAt(folder: string): ClusterHome {
  return { folder, data: join(folder, "data"), logFile: join(folder, "server.log") };
}

/** A name that is taken belongs to an earlier state folder with the same path, whose data is not ours to use. */
function freeName(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? path : `${path}-${randomText(8)}`;
}

/** Makes the names in a folder survive a power cut. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
