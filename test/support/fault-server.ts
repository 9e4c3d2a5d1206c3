import {
  createServer,
  request as forwardRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { SourceFault } from "../../src/testing/index.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface FaultServerOptions {
  /** While nothing is wrong. */
  serve: Handler;
  /** How the faults look that are particular to what is spoken; what is not given is served as if nothing were wrong. */
  faults: Partial<Record<"empty" | "not-a-number" | "stale", Handler>>;
  /** Default: the beginning of a JSON object. */
  malformed?: string;
}

export interface FaultServer {
  /** Without a slash at the end. */
  url: string;
  behave(fault: SourceFault | "none"): Promise<void>;
  close(): Promise<void>;
}

/**
 * A server on 127.0.0.1 that behaves until it is told otherwise. What it refuses, it refuses with the whole request
 * quoted: its address and every header.
 */
export async function openFaultServer(options: FaultServerOptions): Promise<FaultServer> {
  let handler = options.serve;
  const server = createServer((request, response) => handler(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async behave(fault) {
      if (fault === "refused") return await close();
      handler = fault === "none" ? options.serve : handlerOf(fault, options);
    },
    close,
  };
}

function handlerOf(fault: SourceFault, options: FaultServerOptions): Handler {
  switch (fault) {
    case "hang":
      return () => undefined;
    case "unauthorized":
      return (request, response) => refuse(request, response, 401);
    case "throttled":
      return (request, response) => refuse(request, response, 429, { "retry-after": "7" });
    case "broken":
      return (request, response) => refuse(request, response, 500);
    case "malformed":
      return (_request, response) => response.end(options.malformed ?? '{"status":"success","data":{"resu');
    case "too-large":
      return (_request, response) => flood(response);
    case "refused":
    case "empty":
    case "not-a-number":
    case "stale":
      return (fault === "refused" ? undefined : options.faults[fault]) ?? options.serve;
  }
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, headers);
  response.end(JSON.stringify({ error: `refused ${request.url}`, headers: request.headers }));
}

/** Goes on until the other side hangs up. */
function flood(response: ServerResponse): void {
  const chunk = `"${"x".repeat(64 * 1024)}",\n`;
  let isOpen = true;
  response.on("close", () => (isOpen = false));
  const write = (): void => {
    if (isOpen) response.write(chunk, () => setImmediate(write));
  };
  response.write("[");
  write();
}
/** Passes every request on to the server at `url`, and its answer back. */
export function passOn(url: string, edit?: (body: string) => string): Handler {
  return (request, response) => {
    const onward = forwardRequest(
      new URL(request.url ?? "/", url),
      { method: request.method, headers: request.headers, agent: false },
      (answer) => {
        const { "content-length": _length, ...headers } = answer.headers;
        let body = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk: string) => (body += chunk));
        answer.on("end", () =>
          response.writeHead(answer.statusCode ?? 502, headers).end(edit?.(body) ?? body),
        );
      },
    );
    onward.on("error", (error) => response.writeHead(502).end(error.message));
    request.pipe(onward);
  };
}
