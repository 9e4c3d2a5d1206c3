import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { probe } from "../../src/compose/probe.ts";

let server: Server;
let url: string;
const signal = new AbortController().signal;

beforeEach(async () => {
  server = createServer((request, response) => {
    if (request.url === "/silent") return;
    response.writeHead(503, { "X-Tminus-Release": "v7" }).end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

describe("probe", () => {
  it("gives status and release of what answered", async () => {
    expect(await probe(`${url}/`, 5_000, signal)).toEqual({ state: "answered", status: 503, release: "v7" });
  });

  it("calls a server that accepts and never answers silent, and does not throw", async () => {
    expect(await probe(`${url}/silent`, 100, signal)).toEqual({
      state: "silent",
      reason: "no answer within 100 ms",
    });
  });

  it("calls a refused connection silent", async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    expect(await probe(url, 5_000, signal)).toMatchObject({ state: "silent" });
  });

  it("rejects with the reason of the signal", async () => {
    const gone = AbortSignal.abort(new Error("taken over"));
    await expect(probe(url, 5_000, gone)).rejects.toThrow("taken over");
  });
});
