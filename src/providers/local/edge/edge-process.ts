import type { Server } from "node:http";
import type { Edge } from "./edge.ts";
import type { ProcessLock } from "./process-lock.ts";
import { closeListener } from "./public-server.ts";

/** How long a successor may take to start before this process takes its place back. */
const HAND_OVER_LIMIT_MS = 10_000;
const POLL_MS = 20;
/** Connections without a request are closed this long before the deadline, so that none starts too late. */
const IDLE_GRACE_MS = 100;
/** How often a leaving process tells its successor what it has counted since. */
const PASS_ON_EVERY_MS = 250;
/** How long it waits in the end until the successor has taken the last counts. */
const LAST_WORD_MS = 1_000;

/** The end of an edge process: handing over to a successor, and leaving without losing a request. */
export class EdgeProcess {
  readonly #edge: Edge;
  readonly #server: Server;
  readonly #lock: ProcessLock;
  readonly #socketFolder: string;
  readonly #beside: Server[] = [];
  #connections = 0;
  #leaveAtMs = Infinity;
  #thaw: NodeJS.Timeout | undefined;
  #passingOn: Promise<void> | undefined;
  #passedOnMs = -Infinity;

  constructor(edge: Edge, server: Server, lock: ProcessLock, socketFolder: string) {
    this.#edge = edge;
    this.#server = server;
    this.#lock = lock;
    this.#socketFolder = socketFolder;
    server.on("connection", (socket) => {
      this.#connections += 1;
      socket.once("close", () => (this.#connections -= 1));
    });
  }

  /** Another server whose listener must make way together with the public one. */
  closeAlso(server: Server): void {
    this.#beside.push(server);
  }

  /** Accepts no more documents. If no successor takes the lock within 10 s, goes on as before. */
  async handOver(): Promise<void> {
    this.#edge.frozen = true;
    await this.#edge.settled();
    await this.#lock.release();
    clearTimeout(this.#thaw);
    this.#thaw = setTimeout(() => void this.#takeBack(), HAND_OVER_LIMIT_MS);
  }

  /** Closes the listener at once; ends the process when every connection is gone, or at the earliest deadline asked for. */
  quit(deadlineMs: number): void {
    this.#leaveAtMs = Math.min(this.#leaveAtMs, performance.now() + deadlineMs);
    if (this.#edge.draining) return;
    clearTimeout(this.#thaw);
    this.#edge.frozen = true;
    this.#edge.draining = true;
    this.#edge.counts.complete();
    void this.#lock.release(); // a new edge may start while this one still answers
    // right after the poll phase has accepted what was waiting: what is left is reset, unless a successor accepts it
    setImmediate(() => {
      for (const server of [this.#server, ...this.#beside]) closeListener(server);
      this.#leaveWhenIdle();
    });
  }

  #leaveWhenIdle(): void {
    const now = performance.now();
    if (this.#connections === 0 || now >= this.#leaveAtMs) return void this.#leave();
    if (now - this.#passedOnMs >= PASS_ON_EVERY_MS) {
      this.#passedOnMs = now;
      void this.#passOn();
    }
    if (now >= this.#leaveAtMs - IDLE_GRACE_MS) this.#server.closeIdleConnections();
    setTimeout(() => this.#leaveWhenIdle(), POLL_MS);
  }

  async #leave(): Promise<void> {
    setTimeout(() => process.exit(0), LAST_WORD_MS);
    await this.#passingOn;
    await this.#passOn();
    process.exit(0);
  }

  /** Never rejects: what could not be told now is told the next time. */
  #passOn(): Promise<void> {
    this.#passingOn ??= this.#edge.counts
      .passOn(this.#socketFolder)
      .catch(() => undefined) // nobody answers: there is no other process yet, or no longer
      .finally(() => (this.#passingOn = undefined));
    return this.#passingOn;
  }

  async #takeBack(): Promise<void> {
    if (this.#edge.draining) return;
    if (await this.#lock.acquire()) {
      this.#edge.frozen = false;
      this.#edge.counts.takeBack();
    } else this.quit(HAND_OVER_LIMIT_MS);
  }
}
