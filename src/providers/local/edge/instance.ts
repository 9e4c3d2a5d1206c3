import { Agent, type ClientRequest } from "node:http";
import { connect, type Socket } from "node:net";
import type { EdgeRoute } from "./document.ts";
import type { ReleaseMetrics } from "./metrics.ts";

/** How long an application may take until its response headers, or stay silent while it reads the request. */
export const answerTimeoutMs = 120_000;

const MAX_IDLE_MS = 4_000;
const MAX_IDLE_SOCKETS = 256;
const PROBE_TIMEOUT_MS = 1_000;

/** One running application behind the edge, as long as a route names it or it still answers. */
export class Instance {
  readonly name: string;
  readonly release: string;
  readonly host: string;
  readonly port: number;
  readonly metrics: ReleaseMetrics;
  readonly agent: InstanceAgent = new InstanceAgent();
  inFlight = 0;
  healthy = true;
  /** Monotonic time of the last answer; a recent one makes a probe needless. */
  lastAnswerMs = 0;
  probing = false;

  constructor(route: EdgeRoute, metrics: ReleaseMetrics) {
    this.name = route.instance;
    this.release = route.release;
    this.host = route.host;
    this.port = route.port;
    this.metrics = metrics;
  }

  /** Whether this is where `route` points. */
  matches(route: EdgeRoute): boolean {
    return this.release === route.release && this.host === route.host && this.port === route.port;
  }

  /** Opens and closes a connection; sets `healthy` by whether that worked. */
  probe(): void {
    if (this.probing) return;
    this.probing = true;
    const socket = connect(this.port, this.host);
    const done = (healthy: boolean): void => {
      socket.destroy();
      this.probing = false;
      this.healthy = healthy;
    };
    socket.setTimeout(PROBE_TIMEOUT_MS);
    socket.once("connect", () => done(true));
    socket.once("timeout", () => done(false));
    socket.once("error", () => done(false));
  }
}

/**
 * Keep-alive connections to one instance. Idle ones are dropped before the application would drop them, so
 * that a request is not sent into a closing connection: after 4 s, or 1 s before what it announced.
 */
export class InstanceAgent extends Agent {
  /** How long a connection may idle; lowered by `noteKeepAlive`. */
  idleMs: number = MAX_IDLE_MS;

  constructor() {
    super({
      keepAlive: true,
      maxSockets: Infinity,
      maxFreeSockets: MAX_IDLE_SOCKETS,
      timeout: answerTimeoutMs,
    });
  }

  /** Learns from the application's own header `Keep-Alive: timeout=5`. */
  noteKeepAlive(header: string): void {
    const seconds = Number(/timeout=(\d+)/.exec(header)?.[1] ?? Number.NaN);
    if (Number.isNaN(seconds)) return;
    this.idleMs = Math.max(0, Math.min(MAX_IDLE_MS, seconds * 1000 - 1000));
  }

  override keepSocketAlive(socket: Socket): boolean {
    if (this.idleMs === 0) return false;
    socket.setTimeout(this.idleMs);
    return true;
  }

  override reuseSocket(socket: Socket, request: ClientRequest): void {
    super.reuseSocket(socket, request);
    socket.setTimeout(answerTimeoutMs);
  }
}
