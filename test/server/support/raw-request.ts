import { once } from "node:events";
import { Agent, request, type IncomingHttpHeaders } from "node:http";

export interface RawRequest {
  method?: string;
  path: string;
  /** Sent as they are, also those that fetch sets itself, such as Host. */
  headers?: Record<string, string>;
  /** Pieces are sent one after the other, without a length. */
  body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Does not wait for the end of the answer: it may have none. */
  headOnly?: boolean;
}

export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** Of an error: its code and what it says. */
  code: string | undefined;
  message: string;
}

/**
 * One request over a connection of its own, with exactly these headers. An answer that comes before all was sent is an answer.
 * Rejects when the connection ends without one.
 */
export async function rawRequest(
  url: string,
  { method = "GET", path, headers = {}, body, headOnly = false }: RawRequest,
): Promise<RawAnswer> {
  const { hostname, port, host } = new URL(url);
  return new Promise<RawAnswer>((resolve, reject) => {
    const isWhole = typeof body === "string" || body instanceof Uint8Array;
    const framing = isWhole
      ? { "content-length": String(Buffer.byteLength(body)) }
      : body === undefined
        ? {}
        : { "transfer-encoding": "chunked" };
    const all = { host, ...framing, ...headers };
    // A server that is told to close the connection does so before the rest of a refused body was sent.
    const agent = new Agent({ keepAlive: true });
    const outgoing = request({ hostname, port, method, path, headers: all, agent });
    outgoing.on("response", (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      const settle = (): void => {
        agent.destroy();
        resolve(toAnswer(answer.statusCode!, answer.headers, Buffer.concat(chunks).toString()));
      };
      // Also while the request is still being sent: the server closes the connection on a body that it does not read.
      answer.on("end", settle);
      answer.on("close", settle);
      answer.on("error", () => undefined);
      if (headOnly) answer.destroy();
    });
    outgoing.on("error", reject);
    if (body === undefined || isWhole) outgoing.end(body);
    else void sendAll(outgoing, body);
  });
}

async function sendAll(outgoing: ReturnType<typeof request>, body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of body) {
    if (outgoing.destroyed || outgoing.closed) return;
    if (outgoing.write(piece)) continue;
    const waiting = new AbortController();
    const { signal } = waiting;
    // An error is told by the request itself.
    await Promise.race([once(outgoing, "drain", { signal }), once(outgoing, "close", { signal })]).catch(
      () => undefined,
    );
    waiting.abort();
  }
  outgoing.end();
}

function toAnswer(status: number, headers: IncomingHttpHeaders, text: string): RawAnswer {
  const isJson = headers["content-type"]?.startsWith("application/json") === true;
  const { error } = isJson && text.startsWith("{") ? (JSON.parse(text) as { error?: Problem }) : {};
  return { status, headers, text, code: error?.code, message: error?.message ?? "" };
}

interface Problem {
  code: string;
  message: string;
}
