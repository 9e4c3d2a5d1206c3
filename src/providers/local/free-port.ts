import { createServer } from "node:net";
import { TminusError } from "../../errors.ts";
import { sha256 } from "../../lib/hash.ts";

/** Below the range that systems give to outgoing connections, which could take the port before its server does. */
const FIRST = 20_000;
const COUNT = 12_000;
const MAX_TRIES = 64;

/** A port that nothing listens on at this moment; the same seed is tried in the same order. */
export async function freePort(host: string, seed: string): Promise<number> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const port = FIRST + (Number.parseInt(sha256(`${seed}:${attempt}`).slice(0, 8), 16) % COUNT);
    if (await isPortFree(host, port)) return port;
  }
  throw new TminusError("TARGET_CONFLICT", `no free port was found in ${MAX_TRIES} tries from ${FIRST} up`);
}

/** Whether a server could listen there now. Rejects when that cannot be tried, as for an address of another machine. */
export function isPortFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(error);
    });
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
