import { lstatSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { sha256 } from "../../lib/hash.ts";
import { isAlive } from "../../lib/process.ts";
import { ownedName, ownerOf } from "./claim.ts";
import { makePassageFolder, type ServerAccount } from "./server-account.ts";
import { codeOf, unavailable } from "./unavailable.ts";

/**
 * This user's folder /var/tmp/tminus-<uid>, made when missing. The server's account can pass through it,
 * other users cannot. Errors: STATE_UNAVAILABLE when somebody else owns that name or may write to it.
 */
export function cacheRoot(account: ServerAccount): string {
  const uid = account.switches ? 0 : account.uid;
  const path = `/var/tmp/tminus-${uid}`;
  try {
    makePassageFolder(path, account);
  } catch (error) {
    throw unavailable(`${path} could not be made`, { path, reason: codeOf(error) }, { cause: error });
  }
  const stats = lstatSync(path);
  if (!stats.isDirectory() || stats.uid !== uid || (stats.mode & 0o022) !== 0) {
    throw unavailable(
      `${path} is not a folder of this user alone`,
      { path, owner: stats.uid, mode: stats.mode.toString(8) },
      {
        hint: `Look at what ${path} is and who made it, then remove it; tminus makes it again.`,
      },
    );
  }
  return path;
}

/**
 * The folder `<path>/content`, filled by `build` on first use and complete whenever it is returned: it is made
 * under another name and renamed, and made again when files were lost since (the system cleans /var/tmp).
 * Any number of processes may call this at once. What an interrupted call left is removed by a later one.
 */
export async function cachedFolder(
  path: string,
  account: ServerAccount,
  build: (content: string) => Promise<void>,
): Promise<string> {
  const content = join(path, "content");
  if (isComplete(path)) return content;
  removeAbandoned(path);
  const draft = `${path}.${ownedName()}`;
  makePassageFolder(draft, account);
  try {
    await build(join(draft, "content"));
    writeFileSync(join(draft, "manifest"), fingerprint(join(draft, "content")));
    publish(draft, path);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return content;
}

function publish(draft: string, path: string): void {
  const refused = ["ENOTEMPTY", "EEXIST"];
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      renameSync(draft, path);
      return;
    } catch (error) {
      if (!refused.includes(codeOf(error) ?? "")) throw error;
    }
    if (isComplete(path)) return;
    const broken = `${path}.${ownedName()}`;
    renameSync(path, broken);
    rmSync(broken, { recursive: true, force: true });
  }
  throw unavailable(`${path} could not be replaced`, { path });
}

function isComplete(path: string): boolean {
  try {
    return readFileSync(join(path, "manifest"), "utf8") === fingerprint(join(path, "content"));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** Changes when a file or folder below is missing, added, or of another size. */
function fingerprint(folder: string): string {
  const lines = readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
    const file = join(entry.parentPath, entry.name);
    return `${file.slice(folder.length)} ${entry.isFile() ? lstatSync(file).size : "-"}`;
  });
  return sha256(lines.sort().join("\n"));
}

/**
 * Removes `<path>.<owned name>` of processes that are no more. One that cannot be emptied, because a child of
 * such a process still writes into it, is left for a later call.
 */
export function removeAbandoned(path: string): void {
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.`)) continue;
    const owner = ownerOf(name.slice(basename(path).length + 1));
    if (owner === undefined || isAlive(owner)) continue;
    try {
      rmSync(join(dirname(path), name), { recursive: true, force: true });
    } catch (error) {
      if (codeOf(error) !== "ENOTEMPTY") throw error;
    }
  }
}
