import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Server as NetServer } from "node:net";
import { refuse } from "./admission.ts";
import type { Edge } from "./edge.ts";
import { answer, forward } from "./forward.ts";
import { forwardUpgrade, wantsWebSocket } from "./upgrade.ts";

const HEADERS_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 15 * 60_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 20_000;
const BACKLOG = 1024;

/** The server that the public talks to, not listening yet. Node's strict parser refuses ambiguous framing. */
export function createPublicServer(edge: Edge): Server {
  const options = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    insecureHTTPParser: false,
    requireHostHeader: true,
    noDelay: true,
    // older Node versions do not know this option and treat every Upgrade header as an upgrade
    shouldUpgradeCallback: wantsWebSocket,
  };
  const server = createServer(options);
  server.maxConnections = MAX_CONNECTIONS;
  server.on("request", (req, res) => admit(edge, req, res, false));
  server.on("checkContinue", (req, res) => admit(edge, req, res, true));
  server.on("upgrade", (req, socket, head) => forwardUpgrade(edge, req, socket, head));
  return server;
}

/** Where the public is served. */
export interface PublicAddress {
  host: string;
  port: number;
}

/**
 * Listens on a socket of its own, where the system can share a port also beside an edge that this one replaces and
 * that serves another address of the port. Resolves when it listens.
 */
export async function listenPublic(server: Server, { host, port }: PublicAddress): Promise<void> {
  const options = { host, port, backlog: BACKLOG };
  try {
    await listening(server, () => server.listen({ ...options, reusePort: true }));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ENOTSUP" && code !== "EINVAL") throw error;
    await listening(server, () => server.listen(options));
  }
}

/** Listens on the socket of another process, from the moment of this call. Resolves when it listens. */
export function listenOn(server: Server, socket: NetServer): Promise<void> {
  return listening(server, () => server.listen(socket, BACKLOG));
}

function listening(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      server.off("listening", onListening);
      reject(error);
    };
    const onListening = (): void => {
      server.off("error", onError);
      resolve();
    };
    server.once("error", onError);
    server.once("listening", onListening);
    listen();
  });
}

/**
 * Takes no new connections but leaves the open ones: http's own close() would cut those that idle, and with
 * them requests that are on their way.
 */
export function closeListener(server: Server): void {
  NetServer.prototype.close.call(server);
}

function admit(edge: Edge, req: IncomingMessage, res: ServerResponse, expectsContinue: boolean): void {
  if (edge.draining) res.shouldKeepAlive = false;
  const verdict = edge.admission.judge(req, () => edge.holdsPin(req));
  if (verdict === "hold") return edge.admission.hold(res, () => admit(edge, req, res, expectsContinue));
  if (verdict !== undefined) return refuse(res, verdict);
  const choice = edge.choose(req);
  if (choice === undefined) return answer(res, 503, "No release is running.\n");
  forward(edge, req, res, choice, expectsContinue);
}
