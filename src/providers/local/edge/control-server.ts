import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { chmodSync } from "node:fs";
import { readdir, rename, symlink, unlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseDocument } from "./document.ts";
import type { Edge } from "./edge.ts";
import { cumulativeBuckets, prometheusText, type InstanceGauge } from "./metrics.ts";

const MAX_BODY_BYTES = 256 * 1024;

/** What the process itself must do on request. */
export interface Lifecycle {
  /** Address that the public talks to. */
  host: string;
  port: number;
  /** Stops accepting documents and gives up the lock, for a successor that then starts. */
  handOver: () => Promise<void>;
  /** Stops accepting connections; ends the process when all is answered or after the deadline. */
  quit: (deadlineMs: number) => void;
}

/** The owner's side of the edge: HTTP over a unix socket. */
export function createControlServer(edge: Edge, lifecycle: Lifecycle): Server {
  const server = createServer((req, res) => {
    route(edge, lifecycle, req, res).catch((error: unknown) => {
      reply(res, 500, { error: error instanceof Error ? error.message : String(error) });
    });
  });
  return server;
}

/**
 * Listens at `edge-<pid>.sock` in the folder and points `control.sock` to it in one move, so that a successor
 * takes the name over without a gap while this process can still be reached by its own.
 */
export async function listenControl(server: Server, folder: string): Promise<void> {
  await removeLeftSockets(folder);
  const own = join(folder, `edge-${process.pid}.sock`);
  await unlink(own).catch(ignoreMissing);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(own, resolve);
  });
  chmodSync(own, 0o600);
  const link = join(folder, `control.${process.pid}.tmp`);
  await unlink(link).catch(ignoreMissing);
  await symlink(basename(own), link);
  await rename(link, join(folder, "control.sock"));
}

/** Sockets of processes that were killed. */
async function removeLeftSockets(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^edge-(\d+)\.sock$/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await unlink(join(folder, name)).catch(ignoreMissing);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // there is none: sockets in this folder belong to processes of this user
  }
}

async function route(
  edge: Edge,
  lifecycle: Lifecycle,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  switch (`${req.method} ${req.url}`) {
    case "GET /status":
      return reply(res, 200, statusOf(edge, lifecycle));
    case "GET /counters":
      return reply(res, 200, countersOf(edge));
    case "GET /metrics":
      return replyMetrics(edge, res);
    case "PUT /document":
      return putDocument(edge, req, res);
    case "POST /hand-over":
      await lifecycle.handOver();
      return reply(res, 200, edge.document);
    case "POST /quit": {
      const { deadlineMs } = JSON.parse(await bodyOf(req)) as { deadlineMs?: unknown };
      reply(res, 202, {});
      return lifecycle.quit(typeof deadlineMs === "number" ? deadlineMs : 0);
    }
    default:
      return reply(res, 404, { error: "there is no such control call" });
  }
}

/** The Prometheus text, for the control socket and for a metrics port. */
export function replyMetrics(edge: Edge, res: ServerResponse): void {
  const body = prometheusText(edge.metrics, gauges(edge));
  res.writeHead(200, {
    "Content-Type": "text/plain; version=0.0.4",
    "Content-Length": Buffer.byteLength(body),
  });
  res.end(body);
}

async function putDocument(edge: Edge, req: IncomingMessage, res: ServerResponse): Promise<void> {
  let next;
  try {
    next = parseDocument(JSON.parse(await bodyOf(req)));
  } catch (error) {
    return reply(res, 400, { error: error instanceof Error ? error.message : String(error) });
  }
  const result = await edge.replaceDocument(next);
  if (result.decision === "frozen") return reply(res, 503, { error: "another edge process is taking over" });
  if (result.decision === "conflict") return reply(res, 409, { error: result.reason });
  return reply(res, 200, { generation: edge.document.generation });
}

function statusOf(edge: Edge, lifecycle: Lifecycle): object {
  return {
    pid: process.pid,
    host: lifecycle.host,
    port: lifecycle.port,
    draining: edge.draining,
    held: edge.admission.heldCount,
    instances: gauges(edge),
    document: edge.document,
  };
}

function countersOf(edge: Edge): object {
  return edge.metrics.all().map((one) => ({
    release: one.release,
    requests: one.requests,
    errors: one.errors,
    diverted: one.diverted,
    // JSON has no Infinity: the last bucket has no bound
    latency: cumulativeBuckets(one).map(({ leMs, count }) => ({
      leMs: leMs === Infinity ? null : leMs,
      count,
    })),
  }));
}

function gauges(edge: Edge): InstanceGauge[] {
  return [...edge.routing.instances, ...edge.routing.leaving].map((instance) => ({
    instance: instance.name,
    release: instance.release,
    inFlight: instance.inFlight,
    healthy: instance.healthy,
  }));
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new Error(`the body is larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function reply(res: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  res.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
  res.end(text);
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
