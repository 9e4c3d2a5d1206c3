import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { request } from "../../src/lib/http.ts";

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function unusedPort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("request", () => {
  it("sends method, headers and body and gives back status, headers and body", async () => {
    const url = await serve((incoming, response) => {
      let body = "";
      incoming.on("data", (chunk: Buffer) => (body += chunk.toString()));
      incoming.on("end", () => {
        response.writeHead(201, { "X-Kind": "test" });
        response.end(`${incoming.method} ${incoming.headers["x-a"] as string} ${body}`);
      });
    });
    const outcome = await request({
      url,
      method: "POST",
      headers: { "X-A": "1" },
      body: "né",
      timeoutMs: 5000,
    });
    expect(outcome).toMatchObject({ kind: "response", status: 201, body: "POST 1 né", truncated: false });
    expect(outcome.kind === "response" && outcome.headers["x-kind"]).toBe("test");
  });

  it("reports a refused connection as a network error of the other side", async () => {
    const outcome = await request({ url: `http://127.0.0.1:${await unusedPort()}/`, timeoutMs: 5000 });
    expect(outcome).toMatchObject({ kind: "network-error", code: "ECONNREFUSED", local: false });
  });

  it("reports an answer that breaks off as a network error", async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("only this");
      response.socket?.end();
    });
    expect(await request({ url, timeoutMs: 5000 })).toMatchObject({ kind: "network-error" });
  });

  it("reports a server that never answers as a timeout, also when it stops in the middle of the body", async () => {
    const silent = await serve(() => {});
    const stalled = await serve((_, response) => void response.write("start"));
    expect(await request({ url: silent, timeoutMs: 50 })).toMatchObject({ kind: "timeout" });
    expect(await request({ url: stalled, timeoutMs: 49.5 })).toMatchObject({ kind: "timeout" });
  });

  it("rejects with the caller's reason when the caller aborts", async () => {
    const controller = new AbortController();
    const url = await serve(() => controller.abort(new Error("stop now")));
    await expect(request({ url, timeoutMs: 5000, signal: controller.signal })).rejects.toThrow("stop now");
  });

  it("cuts a long body at the limit and says so", async () => {
    const url = await serve((_, response) => response.end("x".repeat(100_000)));
    const outcome = await request({ url, timeoutMs: 5000, maxBodyBytes: 10 });
    expect(outcome).toMatchObject({ kind: "response", truncated: true, body: "x".repeat(10) });
  });

  it("does not unpack more than the limit from a compressed body", async () => {
    const url = await serve((_, response) => {
      response.setHeader("content-encoding", "gzip");
      response.end(gzipSync("x".repeat(5_000_000)));
    });
    expect(await request({ url, timeoutMs: 5000, maxBodyBytes: 100_000 })).toMatchObject({
      kind: "network-error",
    });
  });

  it("unpacks a body that came compressed although it was not asked for", async () => {
    const url = await serve((_, response) => {
      response.setHeader("content-encoding", "gzip");
      response.end(gzipSync("hello"));
    });
    expect(await request({ url, timeoutMs: 5000 })).toMatchObject({ body: "hello" });
  });

  it("opens a connection for each fresh request and reuses one otherwise", async () => {
    const ports: (number | undefined)[] = [];
    const url = await serve((incoming, response) => {
      ports.push(incoming.socket.remotePort);
      response.end("ok");
    });
    for (let i = 0; i < 3; i++) await request({ url, timeoutMs: 5000 });
    expect(new Set(ports).size).toBe(1);
    for (let i = 0; i < 3; i++) await request({ url, timeoutMs: 5000, fresh: true });
    expect(new Set(ports).size).toBe(4);
  });

  it("leaves redirects alone unless it is told to follow them", async () => {
    const url = await serve((incoming, response) => {
      if (incoming.url === "/a") response.writeHead(302, { location: "/b" });
      response.end(incoming.method);
    });
    expect(await request({ url: `${url}/a`, timeoutMs: 5000 })).toMatchObject({ status: 302 });
    const followed = await request({
      url: `${url}/a`,
      method: "POST",
      body: "x",
      timeoutMs: 5000,
      redirect: "follow",
    });
    expect(followed).toMatchObject({ status: 200, body: "GET", url: `${url}/b` });
  });

  it("drops credentials when a redirect leaves the origin, and those that it names", async () => {
    const other = await serve((incoming, response) => response.end(JSON.stringify(incoming.headers)));
    const location = other.replace("http://", "http://them:secret@");
    const url = await serve((_, response) => response.writeHead(307, { location }).end());
    const headers = { Authorization: "Bearer t", "x-kept": "1" };
    const outcome = await request({ url, headers, timeoutMs: 5000, redirect: "follow" });
    const seen = JSON.parse(outcome.kind === "response" ? outcome.body : "{}") as Record<string, string>;
    expect(seen["x-kept"]).toBe("1");
    expect(seen).not.toHaveProperty("authorization");
  });

  it("does not follow a redirect to another host", async () => {
    let asked = 0;
    const other = await serve((_, response) => response.end(String(asked++)));
    const location = other.replace("127.0.0.1", "localhost");
    const url = await serve((_, response) => response.writeHead(302, { location }).end());
    expect(await request({ url, timeoutMs: 5000, redirect: "follow" })).toMatchObject({
      kind: "network-error",
      code: "ERR_REDIRECT_REFUSED",
      reason: `redirects to another host, ${location}`,
      local: false,
    });
    expect(asked).toBe(0);
  });

  it("gives up on a redirect loop", async () => {
    const url = await serve((_, response) => response.writeHead(302, { location: "/" }).end());
    expect(await request({ url, timeoutMs: 5000, redirect: "follow" })).toMatchObject({
      kind: "network-error",
      code: "ERR_REDIRECTS",
    });
  });

  it("refuses a request that cannot be built", async () => {
    await expect(request({ url: "file:///etc/passwd", timeoutMs: 100 })).rejects.toThrow(TypeError);
    await expect(
      request({ url: "http://127.0.0.1:1", headers: { a: "b\r\nc: d" }, timeoutMs: 100 }),
    ).rejects.toThrow(TypeError);
  });
});
