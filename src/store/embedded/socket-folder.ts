import { chownSync, lstatSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256 } from "../../lib/hash.ts";
import { canTraverse, makeServerFolder, type ServerAccount } from "./server-account.ts";
import { codeOf, unavailable } from "./unavailable.ts";

/** The port is only part of the socket's name: the server does not listen on the network. */
export const SOCKET_PORT = 5432;

/** Bytes of a socket's path that every system allows (macOS 103, Linux 107). */
const MAX_SOCKET_PATH = 103;

/**
 * Makes the folder of the server's socket: in the cluster's home, or in the folder for temporary files when
 * that path is too long for a socket. Only the server's account and root can enter it, which is what keeps
 * other users out of the database. Errors: STATE_UNAVAILABLE when somebody else owns the name.
 */
export function prepareSocketFolder(home: string, account: ServerAccount): string {
  const path = socketFolderPath(home, account);
  try {
    makeServerFolder(path, account);
  } catch (error) {
    if (codeOf(error) !== "EEXIST")
      throw unavailable(`${path} could not be made`, { path }, { cause: error });
  }
  const stats = lstatSync(path);
  if (account.switches && stats.isDirectory() && stats.uid === 0) chownSync(path, account.uid, account.gid);
  const { uid, mode } = lstatSync(path);
  if (!stats.isDirectory() || uid !== account.uid || (mode & 0o077) !== 0) {
    throw unavailable(
      `${path} is not a folder of the database server alone`,
      { path, owner: uid, mode: mode.toString(8) },
      {
        hint: `Look at what ${path} is and who made it, then remove it; tminus makes it again.`,
      },
    );
  }
  return path;
}

/** Where the folder of the socket is, or would be. */
export function socketFolderPath(home: string, account: ServerAccount): string {
  const inside = join(home, "socket");
  if (fits(inside)) return inside;
  const name = `tminus-${account.uid}-${sha256(home).slice(0, 16)}`;
  const temporary = join(tmpdir(), name);
  return fits(temporary) && canTraverse(tmpdir(), account) ? temporary : join("/tmp", name);
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, `.s.PGSQL.${SOCKET_PORT}`)) <= MAX_SOCKET_PATH;
}
