import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

export interface BulkAdvisory {
  id: number;
  url: string;
  title: string;
  severity: string;
  vulnerable_versions: string;
}

/**
 * Answers what npm asks a registry for an audit, in the form of POST /-/npm/v1/security/advisories/bulk:
 * package → versions in, package → advisories out. Advisories are given by package; an answer of another status on request.
 */
export class AuditRegistry {
  /** Bodies of the questions, oldest first. */
  readonly asked: unknown[] = [];
  status = 200;
  advisories: Record<string, BulkAdvisory[]> = {};
  /** Also after it was stopped, when nobody answers there. */
  url = "";
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        if (request.method !== "POST" || !request.url!.endsWith("/-/npm/v1/security/advisories/bulk"))
          return void response.writeHead(404).end("{}");
        const bytes = Buffer.concat(chunks);
        const text = (request.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString();
        const body = JSON.parse(text) as Record<string, string[]>;
        this.asked.push(body);
        const found = Object.entries(this.advisories).filter(([name]) => Object.hasOwn(body, name));
        response.writeHead(this.status, { "content-type": "application/json" });
        response.end(this.status === 200 ? JSON.stringify(Object.fromEntries(found)) : "");
      });
    });
  }

  static async start(): Promise<AuditRegistry> {
    const registry = new AuditRegistry();
    await new Promise<void>((resolve) => registry.#server.listen(0, "127.0.0.1", resolve));
    registry.url = `http://127.0.0.1:${(registry.#server.address() as AddressInfo).port}/`;
    return registry;
  }

  /** Safe to repeat. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
