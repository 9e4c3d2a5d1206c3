import type { IncomingMessage } from "node:http";

/** Response header that names the release; as a request header it pins, when `pinHeader` carries the token. */
export const releaseHeader = "x-tminus-release";
export const pinHeader = "x-tminus-pin";

/** RFC 9110 7.6.1, and the older proxy headers. Trailers are not passed on, so neither is their announcement. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
const FORWARDED = new Set(["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded"]);

export interface ForwardedRequest {
  path: string;
  /** Name and value in turn, ready for the wire. */
  headers: string[];
  hasBody: boolean;
}

/**
 * The request as it goes to the application, or the status to refuse it with. Framing is decided here and
 * nowhere else: one Host, one Content-Length or exactly "chunked".
 */
export function forwardRequest(req: IncomingMessage, trustForwarded: boolean): ForwardedRequest | 400 | 501 {
  const { headers: seen, rawHeaders } = req;
  const coding = seen["transfer-encoding"];
  if (coding !== undefined && coding.toLowerCase() !== "chunked") return 501;
  const target = originForm(req);
  if (target === undefined) return 400;
  const named = namedInConnection(seen.connection);
  const headers: string[] = [];
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const lower = rawHeaders[index]!.toLowerCase();
    if (lower === "host") {
      hosts += 1;
      headers.push("Host", target.host ?? rawHeaders[index + 1]!);
    } else if (passes(lower, named, trustForwarded)) {
      headers.push(rawHeaders[index]!, rawHeaders[index + 1]!);
    }
  }
  if (hosts > 1) return 400;
  if (hosts === 0) headers.push("Host", target.host ?? "localhost"); // HTTP/1.0 needs none, what we speak does
  addForwarded(headers, req, trustForwarded);
  const hasBody = coding !== undefined || seen["content-length"] !== undefined;
  if (coding !== undefined) headers.push("Transfer-Encoding", "chunked");
  else if (!hasBody && expectsBody(req.method)) headers.push("Content-Length", "0");
  return { path: target.path, headers, hasBody };
}

/** The response headers for the client: hop-by-hop ones removed, the release named. */
export function forwardResponse(
  upstream: IncomingMessage,
  release: string,
  onKeepAlive: (value: string) => void,
): string[] {
  const { rawHeaders } = upstream;
  const headers: string[] = [];
  let named: Set<string> | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const lower = rawHeaders[index]!.toLowerCase();
    if (lower === "connection") named = namedInConnection(rawHeaders[index + 1]);
    if (lower === "keep-alive") onKeepAlive(rawHeaders[index + 1]!);
    if (HOP_BY_HOP.has(lower) || lower === releaseHeader) continue;
    headers.push(rawHeaders[index]!, rawHeaders[index + 1]!);
  }
  headers.push(releaseHeader, release);
  return named === undefined ? headers : withoutNamed(headers, named);
}

/** Who asked: the other end of the connection, or who the trusted proxy there says it got the request from. */
export function clientAddress(req: IncomingMessage, trustForwarded: boolean): string {
  const before = trustForwarded ? req.headers["x-forwarded-for"] : undefined;
  const last = before === undefined ? "" : String(before).split(",").at(-1)!.trim();
  return last === "" ? (req.socket.remoteAddress ?? "unknown") : last;
}

function passes(lower: string, named: Set<string> | undefined, trustForwarded: boolean): boolean {
  if (HOP_BY_HOP.has(lower) || lower === pinHeader || lower === releaseHeader) return false;
  if (lower === "x-forwarded-for" || (!trustForwarded && FORWARDED.has(lower))) return false;
  return named === undefined || !named.has(lower);
}

/** Header names that the Connection header makes hop-by-hop; undefined when it only says keep-alive or close. */
function namedInConnection(value: string | undefined): Set<string> | undefined {
  if (value === undefined || value === "keep-alive" || value === "close" || value === "Keep-Alive")
    return undefined;
  const names = value
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  const others = names.filter((name) => !KEPT_WHATEVER_CONNECTION_SAYS.has(name));
  return others.length === 0 ? undefined : new Set(others);
}

/** Naming one of these would change what the message means or how it is framed, so it is ignored. */
const KEPT_WHATEVER_CONNECTION_SAYS = new Set([
  "keep-alive",
  "close",
  "upgrade",
  "host",
  "content-length",
  "authorization",
  "cookie",
  "set-cookie",
  "content-type",
]);

function withoutNamed(headers: string[], named: Set<string>): string[] {
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const lower = headers[index]!.toLowerCase();
    if (named.has(lower) && lower !== releaseHeader) continue;
    kept.push(headers[index]!, headers[index + 1]!);
  }
  return kept;
}

function addForwarded(headers: string[], req: IncomingMessage, trustForwarded: boolean): void {
  const seen = req.headers;
  const client = req.socket.remoteAddress ?? "unknown";
  const before = trustForwarded ? seen["x-forwarded-for"] : undefined;
  headers.push("X-Forwarded-For", before === undefined ? client : `${String(before)}, ${client}`);
  if (!trustForwarded || seen["x-forwarded-host"] === undefined) {
    headers.push("X-Forwarded-Host", seen.host ?? "");
  }
  if (!trustForwarded || seen["x-forwarded-proto"] === undefined) headers.push("X-Forwarded-Proto", "http");
}

/** The path for the application. A full URL as target (RFC 9112 3.2.2) also decides the Host. */
function originForm(req: IncomingMessage): { path: string; host?: string } | undefined {
  const url = req.url ?? "";
  if (url.startsWith("/")) return { path: url };
  if (url === "*") return req.method === "OPTIONS" ? { path: url } : undefined;
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return undefined;
  const { host, pathname, search } = new URL(url);
  return { path: pathname + search, host };
}

function expectsBody(method: string | undefined): boolean {
  return method === "POST" || method === "PUT" || method === "PATCH";
}
