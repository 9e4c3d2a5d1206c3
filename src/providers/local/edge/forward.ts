import { request, type ClientRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { performance } from "node:perf_hooks";
import { bucketCookie } from "./bucket-cookie.ts";
import type { Choice, Edge } from "./edge.ts";
import { forwardRequest, forwardResponse, releaseHeader, type ForwardedRequest } from "./headers.ts";
import type { Instance } from "./instance.ts";

interface Exchange {
  edge: Edge;
  req: IncomingMessage;
  res: ServerResponse;
  outgoing: ForwardedRequest;
  choice: Choice;
  startedMs: number;
  /** The client asked for "100 Continue" before it sends the body. */
  expectsContinue: boolean;
  /** Another instance may still be asked in place of the first. */
  mayRetry: boolean;
  /** Milliseconds until the response headers; undefined before. */
  answeredMs: number | undefined;
  /** The answer is 5xx or was broken off. */
  failed: boolean;
  /** Set once the exchange was counted, so that it counts once. */
  counted: boolean;
}

/** Passes one request to the chosen instance and its answer back. Never throws. */
export function forward(
  edge: Edge,
  req: IncomingMessage,
  res: ServerResponse,
  choice: Choice,
  expectsContinue: boolean,
): void {
  const outgoing = forwardRequest(req, edge.trustForwarded);
  if (typeof outgoing === "number") return answer(res, outgoing, "The request cannot be forwarded.\n");
  if (expectsContinue) outgoing.headers.push("Expect", "100-continue");
  const idempotent = (req.method === "GET" || req.method === "HEAD") && !outgoing.hasBody;
  send(
    {
      edge,
      req,
      res,
      outgoing,
      choice,
      startedMs: performance.now(),
      expectsContinue,
      mayRetry: idempotent,
      answeredMs: undefined,
      failed: false,
      counted: false,
    },
    choice.instance,
  );
}

/** A short answer of the edge itself. */
export function answer(res: ServerResponse, status: number, body: string, release?: string): void {
  if (res.headersSent || res.destroyed) return;
  const headers = [
    "Content-Type",
    "text/plain; charset=utf-8",
    "Content-Length",
    String(Buffer.byteLength(body)),
  ];
  if (release !== undefined) headers.push(releaseHeader, release);
  // what is left of the request body is not worth reading
  if (!res.req.complete) headers.push("Connection", "close");
  res.writeHead(status, headers);
  res.end(body);
}

function send(exchange: Exchange, instance: Instance): void {
  const { req, res, outgoing } = exchange;
  let upstream: ClientRequest;
  try {
    upstream = request({
      agent: instance.agent,
      host: instance.host,
      port: instance.port,
      method: req.method,
      path: outgoing.path,
      headers: outgoing.headers,
    });
  } catch {
    // node refuses to write this path or header; the parser should not have let it in
    return answer(res, 400, "The request cannot be forwarded.\n");
  }
  instance.inFlight += 1;
  let answered = false;
  const onClientClose = (): void => {
    instance.inFlight -= 1;
    if (res.writableFinished) return;
    countOnce(exchange, instance);
    upstream.destroy();
  };
  res.once("close", onClientClose);
  upstream.once("response", (incoming) => {
    answered = true;
    relay(exchange, instance, upstream, incoming);
  });
  upstream.once("timeout", () => {
    if (!answered) upstream.destroy(new Error("no answer in time"));
  });
  upstream.on("error", (error) => {
    if (answered || res.destroyed) return stopReading(req, upstream);
    res.off("close", onClientClose);
    instance.inFlight -= 1;
    onUnanswered(exchange, instance, error, upstream);
  });
  sendBody(exchange, upstream);
}

function sendBody(exchange: Exchange, upstream: ClientRequest): void {
  const { req, res, outgoing } = exchange;
  if (!outgoing.hasBody) {
    upstream.end();
  } else if (exchange.expectsContinue) {
    upstream.flushHeaders();
    upstream.once("continue", () => {
      res.writeContinue();
      req.pipe(upstream);
    });
  } else {
    req.pipe(upstream);
  }
}

function relay(
  exchange: Exchange,
  instance: Instance,
  upstream: ClientRequest,
  incoming: IncomingMessage,
): void {
  const { edge, req, res, choice } = exchange;
  const status = incoming.statusCode ?? 502;
  const now = performance.now();
  instance.lastAnswerMs = now;
  exchange.answeredMs = now - exchange.startedMs;
  exchange.failed = status >= 500;
  const headers = forwardResponse(incoming, instance.release, (value) => instance.agent.noteKeepAlive(value));
  if (choice.newBucket !== -1) headers.push("Set-Cookie", bucketCookie(choice.newBucket));
  // an answer before the body was asked for: the client may send it or not, so the connection is of no more use
  const bodyUnread = exchange.expectsContinue && !req.readableFlowing;
  if (edge.draining || bodyUnread) res.shouldKeepAlive = false;
  res.writeHead(status, incoming.statusMessage ?? "", headers);
  pump(exchange, instance, upstream, incoming, bodyUnread);
}

/** Copies the answer's body at the pace of the client. */
function pump(
  exchange: Exchange,
  instance: Instance,
  upstream: ClientRequest,
  incoming: IncomingMessage,
  bodyUnread: boolean,
): void {
  const { req, res } = exchange;
  let flushed = false;
  incoming.on("data", (chunk: Buffer) => {
    flushed = true;
    if (!res.write(chunk)) incoming.pause();
  });
  res.on("drain", () => incoming.resume());
  incoming.once("end", () => {
    flushed = true;
    countOnce(exchange, instance); // before the client can know that it has the whole answer
    res.end();
    if (bodyUnread) upstream.destroy();
  });
  incoming.once("error", () => {
    flushed = true;
    exchange.failed = true;
    countOnce(exchange, instance);
    stopReading(req, upstream);
    // the client must see that the answer is not whole, whatever its framing
    if (req.socket.destroyed) res.destroy();
    else req.socket.resetAndDestroy();
  });
  // headers of an answer whose body comes later must not wait for it
  setImmediate(() => {
    if (!flushed) res.flushHeaders();
  });
}

function onUnanswered(exchange: Exchange, instance: Instance, error: Error, upstream: ClientRequest): void {
  const { edge, req, res, choice } = exchange;
  const code = "code" in error ? error.code : undefined;
  if (code === "ECONNREFUSED") instance.healthy = false;
  else instance.probe(); // it may have just ended: do not wait for the health loop to find out
  const next = exchange.mayRetry ? retryInstance(exchange, instance, error, upstream) : undefined;
  if (next === undefined) {
    countUnansweredOnce(exchange, instance);
    stopReading(req, upstream);
    const timedOut = error.message === "no answer in time";
    if (edge.draining) res.shouldKeepAlive = false;
    return answer(res, timedOut ? 504 : 502, "The application did not answer.\n", instance.release);
  }
  // the failed try is evidence against the release, though the client is served
  if (next !== instance && !choice.pinned) instance.metrics.countUnanswered(edge.clientOf(req));
  exchange.mayRetry = false;
  send(exchange, next);
}

/** Another healthy instance; the same one only for a connection that it had closed while idle. */
function retryInstance(
  exchange: Exchange,
  instance: Instance,
  error: Error,
  upstream: ClientRequest,
): Instance | undefined {
  if (upstream.reusedSocket && instance.healthy && isReset(error)) {
    return exchange.choice.pinned ? instance : (exchange.edge.routing.substitute(instance) ?? instance);
  }
  return exchange.choice.pinned ? undefined : exchange.edge.routing.substitute(instance);
}

function isReset(error: Error): boolean {
  return "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}

/** Lets go of a request body that nobody wants any more. */
function stopReading(req: IncomingMessage, upstream: ClientRequest): void {
  req.unpipe(upstream);
  if (!req.destroyed) req.resume();
}

/** A client that left before the headers came has waited until now. */
function countOnce(exchange: Exchange, instance: Instance): void {
  if (exchange.counted) return;
  exchange.counted = true;
  if (exchange.choice.pinned) return;
  const elapsedMs = exchange.answeredMs ?? performance.now() - exchange.startedMs;
  const client = exchange.edge.clientOf(exchange.req);
  if (!exchange.failed) exchange.edge.metrics.clients.noteGood(client);
  instance.metrics.count(elapsedMs, exchange.failed ? client : undefined);
}

function countUnansweredOnce(exchange: Exchange, instance: Instance): void {
  if (exchange.counted) return;
  exchange.counted = true;
  if (!exchange.choice.pinned) instance.metrics.countUnanswered(exchange.edge.clientOf(exchange.req));
}
