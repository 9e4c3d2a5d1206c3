import { createHash } from "node:crypto";
import { createServer, type Server } from "node:net";

/**
 * Names that at most one process holds and that the kernel frees when their holder dies: abstract unix sockets.
 * They are needed because edge processes can share a port: one per folder, and one folder per port. Systems other
 * than Linux have none, but there the port itself cannot be shared and so guards.
 */
export class ProcessLock {
  readonly #names: string[];
  #held: Server[] = [];

  constructor(purposes: readonly string[]) {
    this.#names = purposes.map((purpose) => {
      const hash = createHash("sha256").update(purpose).digest("hex").slice(0, 32);
      return `\0tminus-edge-${process.getuid?.() ?? 0}-${hash}`;
    });
  }

  /** Whether this process holds all the names now; if not, it holds none of them. */
  async acquire(): Promise<boolean> {
    if (process.platform !== "linux" || this.#held.length > 0) return true;
    for (const name of this.#names) {
      const server = await hold(name);
      if (server === undefined) {
        await this.release();
        return false;
      }
      this.#held.push(server);
    }
    return true;
  }

  async release(): Promise<void> {
    const held = this.#held;
    this.#held = [];
    await Promise.all(
      held.map((server) => new Promise<void>((resolve) => void server.close(() => resolve()))),
    );
  }
}

/** Undefined when another process holds the name. */
function hold(name: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(name, () => resolve(server));
  });
}
