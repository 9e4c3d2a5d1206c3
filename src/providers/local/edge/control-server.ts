import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { chmodSync } from "node:fs";
import { readdir, rename, symlink, unlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { column, columnsVersion } from "./columns.ts";
import type { CountsHandOver } from "./counts-hand-over.ts";
import { parseDocument } from "./document.ts";
import type { Edge } from "./edge.ts";
import { historyAnswer } from "./history-answer.ts";
import type { ProcessIdentity } from "../../../lib/process.ts";
import { cumulativeBuckets } from "./metrics.ts";
import { prometheusText, type InstanceGauge } from "./prometheus-text.ts";
import { successorCommandOf, type SuccessorCommand } from "./succession.ts";

const MAX_BODY_BYTES = 256 * 1024;

type CountsMessage = Parameters<CountsHandOver["add"]>[0] & { version?: unknown; after?: unknown };

/** What the process itself must do on request. */
export interface Lifecycle {
  /** Address that the public talks to. */
  host: string;
  port: number;
  /** Starts the process that will take this one's place. */
  startSuccessor: (command: SuccessorCommand) => Promise<ProcessIdentity>;
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
  const { pathname, searchParams } = new URL(req.url ?? "/", "http://edge");
  switch (`${req.method} ${pathname}`) {
    case "GET /status":
      return reply(res, 200, statusOf(edge, lifecycle));
    case "GET /counters":
      return whenOurs(edge, res, () => reply(res, 200, countersOf(edge)));
    case "GET /metrics":
      return replyMetrics(edge, res);
    case "GET /history":
      return whenOurs(edge, res, () => replyHistory(edge, searchParams, res));
    case "POST /spans":
    case "POST /give-counts":
    case "POST /add-counts":
      return exchangeCounts(edge, pathname, JSON.parse(await bodyOf(req)) as CountsMessage, res);
    case "PUT /document":
      return putDocument(edge, req, res);
    case "POST /start-successor": {
      const command = successorCommandOf(JSON.parse(await bodyOf(req)));
      return reply(res, 202, await lifecycle.startSuccessor(command));
    }
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

/** The Prometheus text, for the control socket and for a metrics port. Never rejects. */
export function replyMetrics(edge: Edge, res: ServerResponse): Promise<void> {
  return whenOurs(edge, res, () => {
    const body = prometheusText(edge.metrics, gauges(edge));
    res.writeHead(200, {
      "Content-Type": "text/plain; version=0.0.4",
      "Content-Length": Buffer.byteLength(body),
    });
    res.end(body);
  });
}

/** Answers unless a successor has the counts: then the connection is cut, and whoever asks again will reach that one. */
async function whenOurs(edge: Edge, res: ServerResponse, answer: () => void): Promise<void> {
  if (await edge.counts.mayAnswer()) answer();
  else res.destroy();
}

function replyHistory(edge: Edge, query: URLSearchParams, res: ServerResponse): void {
  try {
    reply(res, 200, historyAnswer(edge, query, Date.now()));
  } catch (error) {
    reply(res, 400, { error: error instanceof Error ? error.message : String(error) });
  }
}

/** Between edge processes; see CountsHandOver. */
function exchangeCounts(edge: Edge, path: string, body: CountsMessage, res: ServerResponse): void {
  if (body.version !== columnsVersion)
    return reply(res, 409, { error: `this edge counts by version ${columnsVersion}` });
  const after = Number(body.after ?? 0);
  if (path === "/spans") return reply(res, 200, { spans: edge.counts.spansAfter(after) });
  if (path === "/give-counts") return reply(res, 200, edge.counts.give(after));
  edge.counts.add(body);
  return reply(res, 200, {});
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
    badClients: one.totals[column.badClients]!,
    newClients: one.totals[column.newClients]!,
    repeated: one.totals[column.repeated]!,
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
