import type { IncomingMessage } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { ask, Rig, until } from "../rig.ts";
import { openProxied, openRaw } from "./in-process.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

describe("the headers and framing of what is forwarded", () => {
  it("removes hop-by-hop headers both ways, also those named in Connection", async () => {
    let seen: NodeJS.Dict<string | string[]> = {};
    const { port } = await openProxied(rig, (req, res) => {
      seen = req.headers;
      res.writeHead(200, {
        connection: "x-private, keep-alive",
        "x-private": "1",
        "proxy-authenticate": "Basic",
        "x-kept": "2",
        "x-tminus-release": "forged",
      });
      res.end("ok");
    });
    const raw = openRaw(rig, port);
    raw.send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Hop, keep-alive, Cookie\r\nX-Hop: 1\r\nTE: trailers\r\n" +
        "Keep-Alive: timeout=1\r\nProxy-Connection: x\r\nProxy-Authorization: secret\r\nX-Tminus-Pin: guess\r\n" +
        "Cookie: a=b\r\nX-End: 2\r\n\r\n",
    );
    await until(() => raw.seen().endsWith("0\r\n\r\n"));
    const passed = Object.keys(seen).toSorted();
    expect(passed).toEqual([
      "connection",
      "cookie",
      "host",
      "x-end",
      "x-forwarded-for",
      "x-forwarded-host",
      "x-forwarded-proto",
    ]);
    expect(seen.connection).toBe("keep-alive");
    expect(raw.seen()).toContain("x-kept: 2\r\n");
    expect(raw.seen()).toContain("x-tminus-release: v1\r\n");
    expect(raw.seen()).not.toMatch(/x-private|proxy-authenticate|forged/i);
  });

  it("says who asked, and does not believe the client about it", async () => {
    const forged = {
      "x-forwarded-for": "9.9.9.9",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "evil",
      host: "shop",
    };
    const { port } = await openProxied(rig, (req, res) => void res.end(JSON.stringify(req.headers)));
    expect(JSON.parse((await ask(port, "/", { headers: forged })).body)).toMatchObject({
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "shop",
    });
  });

  it("adds to what a trusted proxy in front said", async () => {
    const given = {
      "x-forwarded-for": "9.9.9.9",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "shop.example",
    };
    const echo = (req: IncomingMessage, res: { end: (text: string) => unknown }) =>
      void res.end(JSON.stringify(req.headers));
    const { port } = await openProxied(rig, echo, { trustForwarded: true });
    expect(JSON.parse((await ask(port, "/", { headers: given })).body)).toMatchObject({
      "x-forwarded-for": "9.9.9.9, 127.0.0.1",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "shop.example",
    });
  });

  it("keeps repeated headers, the reason phrase and the query as they are", async () => {
    let url: string | undefined;
    const { port } = await openProxied(rig, (req, res) => {
      url = req.url;
      res
        .writeHead(
          299,
          "Rather Good",
          [
            ["set-cookie", "a=1"],
            ["set-cookie", "b=2"],
          ].flat(),
        )
        .end();
    });
    const raw = openRaw(rig, port);
    raw.send("GET /a%20b?x=1&x=%2F HTTP/1.1\r\nHost: a\r\n\r\n");
    await until(() => raw.seen().includes("\r\n\r\n"));
    expect(url).toBe("/a%20b?x=1&x=%2F");
    expect(raw.seen()).toMatch(/^HTTP\/1.1 299 Rather Good\r\n[^]*set-cookie: a=1\r\nset-cookie: b=2\r\n/);
  });

  it("takes the host from a full URL as target", async () => {
    const { port } = await openProxied(rig, (req, res) => void res.end(`${req.headers.host} ${req.url}`));
    const raw = openRaw(rig, port);
    raw.send("GET http://shop.example/p?q=1 HTTP/1.1\r\nHost: other\r\n\r\n");
    await until(() => raw.seen().includes("shop.example /p?q=1"));
  });

  it.each([
    ["two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400],
    [
      "a length and a coding",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    [
      "a coding with a space before its colon",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    [
      "another coding",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      501,
    ],
    ["a signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na", 400],
    [
      "a chunk size that is no number",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
      400,
    ],
    ["two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
    ["no host", "GET / HTTP/1.1\r\n\r\n", 400],
    ["a folded header", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400],
    ["a bare line feed", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400],
    ["a target that is no path", "GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["large headers", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
  ])("refuses a request with %s", async (_what, text, status) => {
    let asked = 0;
    const { port } = await openProxied(rig, (req, res) => {
      req.on("error", () => undefined);
      req.on("end", () => (asked += 1));
      req.resume();
      res.end();
    });
    const raw = openRaw(rig, port);
    raw.send(text);
    await until(() => raw.seen().includes("\r\n\r\n") || raw.closed());
    expect(raw.seen()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(asked).toBe(0);
  });

  it("answers an HTTP/1.0 client", async () => {
    const { port } = await openProxied(rig, (_req, res) => void res.end("old"));
    const raw = openRaw(rig, port);
    raw.send("GET / HTTP/1.0\r\n\r\n");
    await until(() => raw.closed());
    expect(raw.seen()).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\nold$/);
  });

  it("keeps a Content-Length, and gives a POST without body none but zero", async () => {
    const seen: Record<string, string | undefined>[] = [];
    const { port } = await openProxied(rig, (req, res) => {
      seen.push({ length: req.headers["content-length"], coding: req.headers["transfer-encoding"] });
      req.resume();
      res.writeHead(200, { "content-length": "5" }).end("12345");
    });
    const answer = await ask(port, "/", { method: "POST", headers: { "content-length": "3" }, body: "abc" });
    expect(answer.headers).toMatchObject({ "content-length": "5" });
    expect(answer.headers["transfer-encoding"]).toBeUndefined();
    const raw = openRaw(rig, port);
    raw.send("POST / HTTP/1.1\r\nHost: a\r\n\r\n");
    await until(() => raw.seen().includes("12345"));
    expect(seen).toEqual([
      { length: "3", coding: undefined },
      { length: "0", coding: undefined },
    ]);
  });
});
