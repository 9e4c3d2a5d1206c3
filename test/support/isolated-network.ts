import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What makes it: a user who may not is root of a namespace of their own. */
const UNSHARE = ["--net", "--mount", "--map-root-user"];

/** Whether this machine lets us make networks: with unshare of util-linux and ip of iproute2, where neither is forbidden. */
export function canIsolate(): boolean {
  return spawnSync("unshare", [...UNSHARE, "ip", "link", "set", "lo", "up"]).status === 0;
}

/**
 * Runs a program of Node in a network that holds nothing but its own loopback, with these addresses on it and names asked of
 * 127.0.0.1. Resolves to what it printed; rejects with what it wrote to stderr when it fails.
 */
export async function runIsolated(
  addresses: readonly string[],
  program: string,
  ...args: string[]
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "tminus-isolated-"));
  const names = join(folder, "resolv.conf");
  writeFileSync(names, "nameserver 127.0.0.1\noptions attempts:1 timeout:2\n");
  const set = addresses.map((address) => `ip addr add ${address} dev lo\n`).join("");
  const script = `set -e
ip link set lo up
${set}mount --bind "$0" /etc/resolv.conf
exec "$@"
`;
  try {
    return await new Promise<string>((resolve, reject) => {
      const argv = [...UNSHARE, "sh", "-c", script, names, process.execPath, program, ...args];
      execFile(
        "unshare",
        argv,
        { timeout: 100_000, maxBuffer: 64 * 1024 * 1024 },
        (error, stdout, stderr) => {
          if (error === null) resolve(stdout);
          else reject(new Error(`${error.message}\n${stderr}`));
        },
      );
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
