import { chmodSync, chownSync, mkdirSync, realpathSync, statSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { TminusError } from "../../errors.ts";
import { codeOf } from "./unavailable.ts";

/** "nobody": exists on every system and owns nothing. PostgreSQL refuses to run as root. */
const NOBODY = 65534;

/** The user that the server runs as. */
export interface ServerAccount {
  uid: number;
  gid: number;
  /** True when this process is root and the server is started as somebody else. */
  switches: boolean;
}

/** Nobody when this process is root, else the user of this process. Errors: STATE_PLATFORM where there are no users. */
export function serverAccount(): ServerAccount {
  const uid = process.geteuid?.();
  const gid = process.getegid?.();
  if (uid === undefined || gid === undefined) {
    throw new TminusError("STATE_PLATFORM", `there is no embedded Postgres for ${process.platform}`);
  }
  return uid === 0 ? { uid: NOBODY, gid: NOBODY, switches: true } : { uid, gid, switches: false };
}

/** The options that make a child process run as the account. */
export function processUser(account: ServerAccount): { uid?: number; gid?: number } {
  return account.switches ? { uid: account.uid, gid: account.gid } : {};
}

/**
 * Whether the account may pass through `folder` and every folder above it, as far as owners and modes tell.
 * True without looking when this process is the account itself: the operation will tell.
 */
export function canTraverse(folder: string, account: ServerAccount): boolean {
  if (!account.switches) return true;
  for (let path = realpathSync(folder); ; path = dirname(path)) {
    if (!allows(statSync(path), account, 0o1)) return false;
    if (path === dirname(path)) return true;
  }
}

/** Whether the account may read the file, and run it when `execute` is set. */
export function canRead(file: string, account: ServerAccount, execute = false): boolean {
  if (!account.switches) return true;
  return canTraverse(dirname(file), account) && allows(statSync(file), account, execute ? 0o5 : 0o4);
}

/** Makes a folder that only the account can enter (and root). Fails with EEXIST when it exists. */
export function makeServerFolder(path: string, account: ServerAccount): void {
  mkdirSync(path, { mode: 0o700 });
  if (account.switches) chownSync(path, account.uid, account.gid);
}

/**
 * Makes a folder of this process that the account can pass through but not change, and nobody else can enter.
 * Nothing happens when it exists.
 */
export function makePassageFolder(path: string, account: ServerAccount): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) === "EEXIST") return;
    throw error;
  }
  if (!account.switches) return;
  chownSync(path, 0, account.gid);
  chmodSync(path, 0o710);
}

function allows(stats: Stats, account: ServerAccount, bits: number): boolean {
  const shift = stats.uid === account.uid ? 6 : stats.gid === account.gid ? 3 : 0;
  return ((stats.mode >> shift) & bits) === bits;
}
