import * as http from "node:http";
import * as https from "node:https";
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { deadline, systemClock } from "./clock.ts";
import { ADDRESS_REFUSED, checkedLookup, checkHost } from "./refused-address.ts";

/**
 * HTTP for steps and gates: they may not open connections of their own. Written on node:http because fetch can
 * neither promise a connection of its own nor tell a failure of this machine from one of the other side. Whatever is asked, and
 * wherever it redirects to: addresses of link-local networks and of clouds' metadata are never connected to.
 */

export interface HttpRequest {
  url: string;
  /** Default GET. */
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** For everything from the name lookup to the last byte, redirects included. */
  timeoutMs: number;
  /** Aborts the request: the call then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** What is longer is cut off there; default 1 MiB. */
  maxBodyBytes?: number;
  /** "follow": up to 10 times, to the same host alone; credentials are dropped when the origin changes. Default "manual". */
  redirect?: "manual" | "follow";
  /** Uses a connection of its own, as a new visitor would. */
  fresh?: boolean;
}

export interface HttpResponse {
  kind: "response";
  status: number;
  /** Names in lower case; repeated ones joined with ", ". */
  headers: Record<string, string>;
  body: string;
  /** True when the body was longer than maxBodyBytes. */
  truncated: boolean;
  /** Where the answer came from in the end. */
  url: string;
  durationMs: number;
}

export type HttpOutcome =
  | HttpResponse
  | {
      kind: "network-error";
      /** Of the system, when it gave one: "ECONNREFUSED". */
      code: string;
      reason: string;
      /** The request did not get off this machine (no route, no sockets, resolver down): says nothing about the other side. */
      local: boolean;
    }
  | { kind: "timeout"; reason: string };

const DEFAULT_MAX_BODY_BYTES = 1024 * 1024;
const MAX_REDIRECTS = 10;
const CREDENTIAL_HEADERS = new Set(["authorization", "cookie", "proxy-authorization"]);

/** Codes of failures that happen before anything could reach the other side, from getaddrinfo(3) and connect(2). */
const LOCAL_CODES = new Set([
  "EAI_AGAIN",
  "ENETDOWN",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "EMFILE",
  "ENFILE",
  "ENOBUFS",
  "EACCES",
  "EPERM",
  ADDRESS_REFUSED,
]);

/**
 * Sends one request. What the network does is a value; it throws only a TypeError for a request that cannot be
 * built (no http(s) address, forbidden characters), and the reason of `signal` when that aborts.
 */
export async function request(options: HttpRequest): Promise<HttpOutcome> {
  const started = systemClock.monotonicMs();
  const timeoutMs = Math.ceil(options.timeoutMs);
  const limit = deadline(timeoutMs, options.signal);
  let current: Hop = {
    url: parseUrl(options.url),
    method: options.method ?? "GET",
    headers: lowerCase(options.headers ?? {}),
    body: options.body,
  };
  try {
    for (let redirects = 0; ; redirects++) {
      const answer = await send(current, options, limit);
      const next = options.redirect === "follow" ? nextHop(current, answer) : undefined;
      if (next === undefined) {
        const durationMs = systemClock.monotonicMs() - started;
        return { kind: "response", ...answer, url: current.url.href, durationMs };
      }
      if (redirects === MAX_REDIRECTS) {
        return failure("ERR_REDIRECTS", `more than ${MAX_REDIRECTS} redirects, the last to ${next.url.href}`);
      }
      if (next.url.hostname !== current.url.hostname)
        return failure("ERR_REDIRECT_REFUSED", `redirects to another host, ${next.url.origin}`);
      current = next;
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    if (limit.aborted) return { kind: "timeout", reason: `no complete answer within ${timeoutMs} ms` };
    if (error instanceof TypeError) throw error;
    return failure(codeOf(error), reasonOf(error));
  }
}

interface Hop {
  url: URL;
  method: string;
  headers: Record<string, string>;
  body: string | undefined;
}

type Answer = Pick<HttpResponse, "status" | "headers" | "body" | "truncated">;

async function send(hop: Hop, options: HttpRequest, signal: AbortSignal): Promise<Answer> {
  const maxBytes = options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES;
  const response = await open(hop, options.fresh === true, signal);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxBytes) break;
  }
  const truncated = size > maxBytes;
  const bytes = Buffer.concat(chunks).subarray(0, maxBytes);
  const body = decode(bytes, response.headers["content-encoding"], truncated, maxBytes);
  return { status: response.statusCode ?? 0, headers: joined(response.headers), truncated, body };
}

/** Resolves when the header of the answer is there. */
function open(hop: Hop, isFresh: boolean, signal: AbortSignal): Promise<http.IncomingMessage> {
  checkHost(hop.url.hostname);
  const { request: start, globalAgent } = hop.url.protocol === "https:" ? https : http;
  const headers: Record<string, string | number> = {
    accept: "*/*",
    "accept-encoding": "identity",
    ...hop.headers,
  };
  if (hop.body !== undefined) headers["content-length"] = Buffer.byteLength(hop.body);
  return new Promise((resolve, reject) => {
    const agent = isFresh ? false : globalAgent;
    const outgoing = start(hop.url, { method: hop.method, headers, signal, agent, lookup: checkedLookup });
    outgoing.on("response", resolve);
    outgoing.on("error", reject);
    outgoing.end(hop.body);
  });
}

/** Servers are asked not to compress; this is for those that do all the same. A cut-off body cannot be unpacked. */
function decode(bytes: Buffer, encoding: string | undefined, truncated: boolean, maxBytes: number): string {
  const limit = { maxOutputLength: maxBytes };
  if (truncated || bytes.length === 0) return bytes.toString("utf8");
  if (encoding === "gzip" || encoding === "x-gzip") return gunzipSync(bytes, limit).toString("utf8");
  if (encoding === "deflate") return inflateSync(bytes, limit).toString("utf8");
  if (encoding === "br") return brotliDecompressSync(bytes, limit).toString("utf8");
  return bytes.toString("utf8");
}

/** The request that a redirect asks for, by RFC 9110 §15.4; undefined when the answer is not one. */
function nextHop(hop: Hop, answer: Answer): Hop | undefined {
  const location = answer.headers.location;
  if (location === undefined || ![301, 302, 303, 307, 308].includes(answer.status)) return undefined;
  if (!URL.canParse(location, hop.url.href)) return undefined;
  const url = new URL(location, hop.url);
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  [url.username, url.password] = ["", ""];
  const keepsMethod = answer.status === 307 || answer.status === 308 || ["GET", "HEAD"].includes(hop.method);
  const dropped = (name: string): boolean =>
    (url.origin !== hop.url.origin && (CREDENTIAL_HEADERS.has(name) || name === "host")) ||
    (!keepsMethod && name.startsWith("content-"));
  const headers = Object.fromEntries(Object.entries(hop.headers).filter(([name]) => !dropped(name)));
  return { url, method: keepsMethod ? hop.method : "GET", headers, body: keepsMethod ? hop.body : undefined };
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:")
    throw new TypeError("the address is not an http(s) URL");
  return url;
}

function lowerCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function joined(headers: http.IncomingHttpHeaders): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(", ") : (value ?? ""),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}

function failure(code: string, reason: string): HttpOutcome {
  return { kind: "network-error", code, reason, local: LOCAL_CODES.has(code) };
}

/** With several addresses to try, node reports an AggregateError whose members have the codes. */
function codeOf(error: unknown): string {
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string")
    return error.code;
  return "UNKNOWN";
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") {
    return error.errors.map((inner) => reasonOf(inner)).join("; ");
  }
  return error instanceof Error ? error.message : String(error);
}
