import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run, spawnDetached, terminate } from "../../src/lib/process.ts";

/** Debian puts it where only root's PATH leads. */
const CANDIDATES = ["haproxy", "/usr/sbin/haproxy"];
const GRACE_MS = 1_000;

/** The program, or undefined when this machine has none. */
export async function findHaproxy(): Promise<string | undefined> {
  for (const program of CANDIDATES) {
    const { exitCode } = await run([program, "-v"], { timeoutMs: 5_000 });
    if (exitCode === 0) return program;
  }
  return undefined;
}

/**
 * Starts HAProxy on `port` to do what the edge does: one thread, sticky visitors by cookie, health checks, the
 * visitor's address passed on; all traffic to the first upstream. Returns the process id.
 */
export async function startHaproxy(
  program: string,
  port: number,
  upstreamPorts: readonly number[],
  folder: string,
  cleanUp: AsyncDisposableStack,
): Promise<number> {
  const file = join(folder, "haproxy.cfg");
  const servers = upstreamPorts.map(
    (upstream, index) =>
      `  server s${index} 127.0.0.1:${upstream} weight ${index === 0 ? 100 : 0} cookie s${index} check inter 1s`,
  );
  const lines = [
    "global",
    "  nbthread 1",
    "defaults",
    "  mode http",
    "  timeout connect 5s",
    "  timeout client 60s",
    "  timeout server 60s",
    "listen edge",
    `  bind 127.0.0.1:${port}`,
    "  option forwardfor",
    "  cookie bench insert indirect nocache httponly",
    ...servers,
    "",
  ];
  await writeFile(file, lines.join("\n"));
  const identity = await spawnDetached([program, "-db", "-f", file], {
    env: { PATH: process.env.PATH ?? "" },
    logFile: join(folder, "haproxy.log"),
  });
  cleanUp.defer(() => terminate(identity, GRACE_MS));
  return identity.pid;
}
