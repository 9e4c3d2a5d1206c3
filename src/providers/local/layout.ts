import { createHash } from "node:crypto";
import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { TminusError } from "../../errors.ts";

/** Where the target keeps its files. */
export interface LocalLayout {
  /** Absolute; everything but the sockets is below it. */
  root: string;
  /** One JSON file an instance. */
  instances: string;
  logs: string;
  /** The edge's document. */
  document: string;
  edgeLog: string;
  /** What the edge counted in the last 24 h. */
  edgeHistory: string;
  /** Holds the control sockets; elsewhere when the state folder's path is too long for one. */
  sockets: string;
}

/** Longest unix socket path that every supported system takes, in bytes, without the closing zero. */
const MAX_SOCKET_PATH = 103;
const LONGEST_SOCKET_NAME = "edge-4194304.sock";

/** The folders of one environment, created private to this user. Throws TARGET_CONFLICT when another user owns one. */
export function createLayout(stateDirectory: string, environment: string): LocalLayout {
  const root = resolve(stateDirectory, "local", environment);
  const layout: LocalLayout = {
    root,
    instances: join(root, "instances"),
    logs: join(root, "logs"),
    document: join(root, "edge.json"),
    edgeLog: join(root, "logs", "edge.log"),
    edgeHistory: join(root, "edge-history"),
    sockets: socketFolder(root),
  };
  // The state folder itself is not the target's to close: the state database's own account passes through it.
  mkdirSync(resolve(stateDirectory), { recursive: true });
  for (const folder of [layout.instances, layout.logs, layout.sockets]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
  assertPrivate(layout.sockets);
  return layout;
}

function socketFolder(root: string): string {
  const own = join(root, "sockets");
  if (Buffer.byteLength(join(own, LONGEST_SOCKET_NAME)) <= MAX_SOCKET_PATH) return own;
  const hash = createHash("sha256").update(root).digest("hex").slice(0, 16);
  return join(tmpdir(), `tminus-${process.getuid?.() ?? 0}-${hash}`);
}

/** Whoever can write to this folder controls the traffic. */
function assertPrivate(folder: string): void {
  const stat = lstatSync(folder);
  const uid = process.getuid?.();
  if (uid === undefined) return;
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o077) !== 0) {
    throw new TminusError("TARGET_CONFLICT", `the folder ${folder} is not private to this user`, {
      hint: `Remove ${folder}, or set its mode to 0700; the edge is controlled through it.`,
    });
  }
}
