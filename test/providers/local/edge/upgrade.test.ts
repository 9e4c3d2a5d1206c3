import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { documentOf, Rig, routeTo, until } from "../rig.ts";
import { openProxied, openRaw } from "./in-process.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

const handshake =
  "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

async function openEcho() {
  const proxied = await openProxied(
    rig,
    (req, res) => void res.end(`plain ${req.headers.upgrade ?? "none"}`),
  );
  const sockets = new WebSocketServer({ noServer: true });
  const peers: WebSocket[] = [];
  proxied.app.on("upgrade", (req, socket, head) => {
    sockets.handleUpgrade(req, socket, head, (peer) => {
      peers.push(peer);
      peer.on("message", (data, isBinary) => peer.send(data, { binary: isBinary }));
    });
  });
  rig.defer(() => {
    for (const peer of peers) peer.terminate();
  });
  const dial = async (): Promise<WebSocket> => {
    const client = new WebSocket(`ws://127.0.0.1:${proxied.port}/socket`);
    rig.defer(() => client.terminate());
    await new Promise<void>((resolve, reject) => {
      client.once("open", () => resolve());
      client.once("error", reject);
    });
    return client;
  };
  return { ...proxied, dial, peers };
}

function next(client: WebSocket): Promise<Buffer> {
  return new Promise((resolve) => void client.once("message", (data) => resolve(data as Buffer)));
}

describe("WebSockets", () => {
  it("pass both ways, text and large binary messages alike", async () => {
    const { dial, edge } = await openEcho();
    const client = await dial();
    client.send("hello");
    expect((await next(client)).toString()).toBe("hello");
    const large = randomBytes(3 * 1024 * 1024);
    client.send(large);
    expect((await next(client)).equals(large)).toBe(true);
    expect(edge.routing.instances[0]?.inFlight).toBe(1);
  });

  it("close on both sides when either closes", async () => {
    const { dial, peers, edge } = await openEcho();
    const client = await dial();
    const code = new Promise<number>((resolve) => void client.once("close", resolve));
    peers[0]!.close(4001, "bye");
    expect(await code).toBe(4001);
    await until(() => edge.routing.instances[0]?.inFlight === 0);
    const second = await dial();
    second.terminate();
    await until(() => peers[1]?.readyState === WebSocket.CLOSED);
    await until(() => edge.routing.instances[0]?.inFlight === 0);
  });

  it("name the release in the handshake", async () => {
    const { port } = await openEcho();
    const raw = openRaw(rig, port);
    raw.send(handshake);
    await until(() => raw.seen().includes("\r\n\r\n"));
    expect(raw.seen()).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\n[^]*x-tminus-release: v1\r\n/);
    expect(raw.seen()).toMatch(/Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i);
  });

  it("lose nothing that comes right behind the handshake, from either side", async () => {
    const { port, app } = await openProxied(rig, () => undefined);
    let early = "";
    app.on("upgrade", (_req, socket, head) => {
      early = head.toString("latin1");
      socket.on("error", () => undefined);
      socket.on("data", (chunk: Buffer) => (early += chunk.toString("latin1")));
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfrom the app",
      );
      rig.defer(() => socket.destroy());
    });
    const raw = openRaw(rig, port);
    raw.send(`${handshake}from the client`);
    await until(() => raw.seen().endsWith("\r\n\r\nfrom the app") && early === "from the client");
  });

  it("are refused with the application's own answer", async () => {
    const { port, app } = await openProxied(rig, () => undefined);
    app.on("upgrade", (_req, socket) => {
      socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 6\r\nX-Why: token\r\n\r\ndenied");
    });
    const raw = openRaw(rig, port);
    raw.send(handshake);
    await until(() => raw.closed());
    expect(raw.seen()).toMatch(/^HTTP\/1.1 401 Unauthorized\r\n[^]*X-Why: token\r\n[^]*denied$/);
  });

  it("get 502 when the application does not answer", async () => {
    const { port, app, edge } = await openProxied(rig, () => undefined);
    app.on("upgrade", (_req, socket) => void socket.destroy());
    const raw = openRaw(rig, port);
    raw.send(handshake);
    await until(() => raw.closed());
    expect(raw.seen()).toMatch(/^HTTP\/1.1 502 /);
    expect(edge.metrics.of("v1")).toMatchObject({ requests: 1, errors: 1 });
    await until(() => edge.routing.instances[0]?.inFlight === 0);
  });

  it.each(["maintenance", "pause"] as const)("are refused in mode %s", async (mode) => {
    const { port, edge, appPort } = await openEcho();
    edge.apply(documentOf(2, [routeTo("v1", appPort, 100)], { mode }));
    const raw = openRaw(rig, port);
    raw.send(handshake);
    await until(() => raw.closed());
    expect(raw.seen()).toMatch(/^HTTP\/1.1 503 [^]*Retry-After: 30\r\n/);
  });

  it("are the only upgrade: any other is answered as plain HTTP", async () => {
    const { port } = await openEcho();
    const raw = openRaw(rig, port);
    raw.send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
    );
    await until(() => raw.seen().includes("plain none"));
  });
});
