import { Agent, request, type ClientRequest, type IncomingMessage } from "node:http";
import type { LoadOutcome } from "./load-figures.ts";

/** One request that a scenario wants sent. */
export interface LoadRequest {
  /** Under what the request is counted, such as "place order". */
  name: string;
  method: string;
  /** Path with query, from the slash on. */
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** Called with a complete answer; only then is the body kept, up to 1 MiB. Must not throw. */
  onResponse?: (status: number, body: string) => void;
}

/** How a request ended, and by which release it was answered (header x-tminus-release). */
export type LoadEnd = (outcome: LoadOutcome, release: string | undefined) => void;

const MAX_BODY_BYTES = 1024 * 1024;
const MAX_COOKIES = 50;
const RELEASE_HEADER = "x-tminus-release";

/**
 * A client with connections and cookies of its own, like one browser. It never repeats a request: what a
 * browser would hide by trying again is counted.
 */
export class LoadClient {
  readonly #host: string;
  readonly #port: string;
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 8 });
  readonly #cookies = new Map<string, string>();
  readonly #now: () => number;

  /** `now` gives monotonic milliseconds. */
  constructor(baseUrl: URL, now: () => number) {
    this.#host = baseUrl.hostname;
    this.#port = baseUrl.port === "" ? "80" : baseUrl.port;
    this.#now = now;
  }

  /** Sends and calls `onEnd` exactly once. Returns what destroys the request as timed out. */
  send(wanted: LoadRequest, onEnd: LoadEnd): () => void {
    const sentAt = this.#now();
    let ended = false;
    let timedOut = false;
    let release: string | undefined;
    const end = (outcome: LoadOutcome): void => {
      if (ended) return;
      ended = true;
      onEnd(timedOut ? { kind: "timeout" } : outcome, release);
    };
    const outgoing = this.#open(wanted);
    outgoing.on("error", (error) => end({ kind: "network-error", code: codeOf(error) }));
    outgoing.on("response", (response) => {
      release = releaseOf(response);
      this.#keepCookies(response.headers["set-cookie"]);
      receive(response, wanted, end, () => this.#now() - sentAt);
    });
    outgoing.end(wanted.body);
    return () => {
      timedOut = true;
      outgoing.destroy(new Error("timed out"));
    };
  }

  /** Closes idle connections; those of unfinished requests too. */
  close(): void {
    this.#agent.destroy();
  }

  #open({ method, path, headers, body }: LoadRequest): ClientRequest {
    const sent: Record<string, string | number> = { ...headers };
    if (this.#cookies.size > 0) sent.cookie = [...this.#cookies].map(([k, v]) => `${k}=${v}`).join("; ");
    if (body !== undefined) sent["content-length"] = Buffer.byteLength(body);
    return request({ host: this.#host, port: this.#port, agent: this.#agent, method, path, headers: sent });
  }

  #keepCookies(lines: string[] = []): void {
    for (const line of lines) {
      const [pair = "", ...attributes] = line.split(";");
      const at = pair.indexOf("=");
      if (at < 1) continue;
      const name = pair.slice(0, at).trim();
      const gone = attributes.some((attribute) => /^\s*max-age=(0|-\d+)\s*$/i.test(attribute));
      if (gone) this.#cookies.delete(name);
      else if (this.#cookies.has(name) || this.#cookies.size < MAX_COOKIES) {
        this.#cookies.set(name, pair.slice(at + 1).trim());
      }
    }
  }
}

function receive(
  response: IncomingMessage,
  wanted: LoadRequest,
  end: (outcome: LoadOutcome) => void,
  elapsedMs: () => number,
): void {
  const status = response.statusCode ?? 0;
  const chunks: Buffer[] = [];
  let size = 0;
  if (wanted.onResponse === undefined) response.resume();
  else {
    response.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
    });
  }
  response.on("error", (error) => end({ kind: "network-error", code: codeOf(error) }));
  response.on("end", () => {
    const durationMs = elapsedMs();
    wanted.onResponse?.(status, Buffer.concat(chunks).toString("utf8"));
    end({ kind: "answered", status, durationMs });
  });
  response.on("close", () => {
    if (!response.complete) end({ kind: "network-error", code: "ECONNRESET" });
  });
}

function releaseOf(response: IncomingMessage): string | undefined {
  const value = response.headers[RELEASE_HEADER];
  return typeof value === "string" ? value : undefined;
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "UNKNOWN";
}
