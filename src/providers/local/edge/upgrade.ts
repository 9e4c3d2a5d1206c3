import { request, ServerResponse, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { performance } from "node:perf_hooks";
import type { Choice, Edge } from "./edge.ts";
import { answer } from "./forward.ts";
import { forwardRequest, forwardResponse } from "./headers.ts";
import { answerTimeoutMs } from "./instance.ts";
import { refuse } from "./admission.ts";

/** Whether the request asks to become a WebSocket; other upgrades (h2c) are served as plain HTTP. */
export function wantsWebSocket(req: IncomingMessage): boolean {
  return req.headers.upgrade?.toLowerCase() === "websocket";
}

/** Passes a WebSocket handshake on and, once accepted, the bytes both ways. Never throws. */
export function forwardUpgrade(edge: Edge, req: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on("error", () => socket.destroy());
  const res = plainResponse(req, socket);
  const verdict = edge.admission.judge(req, () => edge.holdsPin(req));
  if (verdict !== undefined) {
    const body = "This service is paused for a moment.\n";
    return refuse(res, verdict === "hold" ? { type: "text/plain; charset=utf-8", body } : verdict);
  }
  const choice = edge.choose(req);
  if (choice === undefined) return answer(res, 503, "No release is running.\n");
  shake(edge, choice, req, res, socket, head);
}

function shake(
  edge: Edge,
  choice: Choice,
  req: IncomingMessage,
  res: ServerResponse,
  socket: Duplex,
  head: Buffer,
): void {
  const outgoing = forwardRequest(req, edge.trustForwarded);
  if (typeof outgoing === "number") return answer(res, outgoing, "The request cannot be forwarded.\n");
  const { instance } = choice;
  const startedMs = performance.now();
  const upstream = request({
    agent: false,
    host: instance.host,
    port: instance.port,
    method: req.method,
    path: outgoing.path,
    headers: [...outgoing.headers, "Connection", "Upgrade", "Upgrade", req.headers.upgrade ?? "websocket"],
    timeout: answerTimeoutMs,
  });
  instance.inFlight += 1;
  socket.once("close", () => {
    instance.inFlight -= 1;
    upstream.destroy();
  });
  let counted = choice.pinned;
  const count = (failed: boolean): void => {
    if (counted) return;
    counted = true;
    instance.metrics.count(performance.now() - startedMs, failed ? edge.clientOf(req) : undefined);
  };
  upstream.once("upgrade", (incoming, peer, peerHead) => {
    count(false);
    join(socket as Socket, head, peer, peerHead, statusLines(incoming, instance.release));
  });
  upstream.once("response", (incoming) => {
    const status = incoming.statusCode ?? 502;
    count(status >= 500);
    res.writeHead(
      status,
      forwardResponse(incoming, instance.release, () => undefined),
    );
    incoming.pipe(res);
  });
  upstream.once("timeout", () => upstream.destroy(new Error("no answer in time")));
  upstream.on("error", () => {
    if (!counted) instance.metrics.countUnanswered(edge.clientOf(req));
    counted = true;
    if (res.headersSent) socket.destroy();
    else answer(res, 502, "The application did not answer.\n", instance.release);
  });
  upstream.end();
}

function join(client: Socket, head: Buffer, peer: Socket, peerHead: Buffer, lines: string): void {
  client.write(lines, "latin1");
  if (peerHead.length > 0) client.write(peerHead);
  if (head.length > 0) peer.write(head);
  peer.setTimeout(0);
  peer.setNoDelay(true);
  peer.on("error", () => client.destroy());
  // each side first gets what the other had still sent
  peer.once("close", () => {
    client.setTimeout(answerTimeoutMs, () => client.destroy());
    client.destroySoon();
  });
  client.once("close", () => peer.destroySoon());
  client.pipe(peer);
  peer.pipe(client);
}

function statusLines(incoming: IncomingMessage, release: string): string {
  const headers = forwardResponse(incoming, release, () => undefined);
  const lines = [`HTTP/1.1 101 ${incoming.statusMessage ?? "Switching Protocols"}`];
  for (let index = 0; index < headers.length; index += 2)
    lines.push(`${headers[index]!}: ${headers[index + 1]!}`);
  lines.push("Connection: Upgrade", `Upgrade: ${incoming.headers.upgrade ?? "websocket"}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** A plain HTTP answer on the socket of an upgrade request; the connection closes after it. */
function plainResponse(req: IncomingMessage, socket: Duplex): ServerResponse {
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  res.assignSocket(socket as Socket);
  res.once("finish", () => {
    res.detachSocket(socket as Socket);
    // a client that never closes its own side must not keep the connection
    (socket as Socket).destroySoon();
  });
  return res;
}
