import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { checkedUrl, Connection } from "../../src/client/connection.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Secret } from "../../src/lib/redact.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Waits are counted and not slept through. */
let sleptMs: number[] = [];
const clock = { ...systemClock, sleep: async (ms: number) => void sleptMs.push(ms) };

let server: Server;
/** Method, path and key of what came. */
let heard: { what: string; key: string }[] = [];

afterEach(() => {
  server.closeAllConnections();
  server.close();
  sleptMs = [];
});

/** A connection to a server that gives these answers, one after the other, the last one again and again. */
async function connectedTo(...answers: Answer[]): Promise<Connection> {
  heard = [];
  server = createServer((request, response) => {
    heard.push({
      what: `${request.method} ${request.url}`,
      key: String(request.headers["idempotency-key"]),
    });
    request.resume();
    (answers.length > 1 ? answers.shift()! : answers[0]!)(request, response);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = checkedUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return new Connection({ url, token: new Secret("tminus_a_b", "test"), clock, log: () => undefined });
}

const ok: Answer = (_request, response) => void response.end('{"done":true}');
const gone: Answer = (request) => void request.socket.destroy();
const cut: Answer = (_request, response) => {
  response.writeHead(200, { "content-length": 1000 }).write('{"do');
  setTimeout(() => response.destroy(), 20);
};
const gateway: Answer = (_request, response) =>
  void response.writeHead(503).end("<h1>Service Unavailable</h1>");
const page: Answer = (_request, response) => void response.end("<html>sign in here</html>");
const refusal =
  (status: number, code: string, headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    void response
      .writeHead(status, headers)
      .end(JSON.stringify({ error: { code, message: code, hint: "", details: {} } }));

describe("a request to a server", () => {
  it.each([
    ["the connection is cut before it is answered", gone],
    ["the answer is cut off", cut],
    ["a proxy says that the server is not there", gateway],
  ])("is sent again with the same key when %s", async (_, broken) => {
    const connection = await connectedTo(broken, broken, ok);
    expect(await connection.send("POST", "/freezes", {})).toEqual({ done: true });
    expect(heard.map(({ what }) => what)).toEqual(Array<string>(3).fill("POST /api/freezes"));
    expect(new Set(heard.map(({ key }) => key)).size).toBe(1);
    expect(sleptMs).toEqual([300, 700]);
  });

  it("is given up after six tries, and says why", async () => {
    const connection = await connectedTo(gateway);
    const sent = connection.send("POST", "/freezes", {});
    await expect(sent).rejects.toMatchObject({
      code: "SERVER_SILENT",
      message: expect.stringContaining("503"),
    });
    expect(heard).toHaveLength(6);
  });

  it("waits for the answer to what was sent before the connection broke, and as long as it is told to", async () => {
    const open = refusal(409, "REQUEST_OPEN");
    const late = await connectedTo(gone, open, open, ok);
    expect(await late.send("POST", "/freezes", {})).toEqual({ done: true });
    server.close();
    const limited = await connectedTo(refusal(429, "RATE_LIMITED", { "retry-after": "7" }), ok);
    sleptMs = [];
    expect(await limited.get("/runs")).toEqual({ done: true });
    expect(sleptMs).toEqual([7000]);
  });

  it("is not sent again when it was refused", async () => {
    const connection = await connectedTo(refusal(403, "PERMISSION_REFUSED"));
    await expect(connection.send("POST", "/freezes", {})).rejects.toMatchObject({
      code: "PERMISSION_REFUSED",
    });
    expect(heard).toHaveLength(1);
  });

  it("takes no page for an answer", async () => {
    const connection = await connectedTo(page);
    await expect(connection.get("/session")).rejects.toMatchObject({
      code: "SERVER_SILENT",
      message: expect.stringContaining("does not answer as a tminus server does"),
    });
  });
});

describe("a token", () => {
  it("that has a line break in it is refused without being told", () => {
    const url = checkedUrl("http://127.0.0.1:1");
    const open = (): Connection =>
      new Connection({ url, token: new Secret("tminus_a\nb", "test"), clock, log: () => undefined });
    expect(open).toThrow("TMINUS_TOKEN is no token");
    expect(open).not.toThrow("tminus_a");
  });
});
