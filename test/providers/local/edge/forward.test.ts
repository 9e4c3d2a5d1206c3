import { Agent, request, type IncomingMessage } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { readBucket } from "../../../../src/providers/local/edge/bucket-cookie.ts";
import { column } from "../../../../src/providers/local/edge/columns.ts";
import { ask, documentOf, Rig, routeTo, until } from "../rig.ts";
import { openApp, openEdge, openProxied, openRaw } from "./in-process.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

describe("forwarding", () => {
  it("passes headers and each part of an answer on before the answer ends", async () => {
    let more: (() => void) | undefined;
    const { port } = await openProxied(rig, (_req, res) => {
      res.writeHead(200, { "content-type": "text/event-stream" });
      res.flushHeaders();
      more = () => {
        more = () => res.end("second");
        res.write("first\n");
      };
    });
    const res = await open(port, "GET");
    expect(res.headers["content-type"]).toBe("text/event-stream");
    const seen = collect(res);
    more!();
    await until(() => seen.text === "first\n");
    more!();
    await until(() => seen.ended);
    expect(seen.text).toBe("first\nsecond");
  });

  it("passes each part of a request on before the request ends, chunked as it came", async () => {
    let body = "";
    let coding: string | undefined;
    const { port } = await openProxied(rig, (req, res) => {
      coding = req.headers["transfer-encoding"];
      req.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      req.on("end", () => res.end("done"));
    });
    const call = request({ port, method: "POST", agent: false });
    const answer = new Promise<IncomingMessage>((resolve) => void call.once("response", resolve));
    call.write("one");
    await until(() => body === "one");
    call.end("two");
    expect((await answer).statusCode).toBe(200);
    expect([body, coding]).toEqual(["onetwo", "chunked"]);
  });

  it("reads no faster from the application than the client takes", async () => {
    const total = 64 * 1024 * 1024;
    let written = 0;
    let waits = false;
    const { port } = await openProxied(rig, (_req, res) => {
      const chunk = Buffer.alloc(64 * 1024);
      const write = (): void => {
        waits = false;
        while (written < total && !waits) {
          written += chunk.length;
          waits = !res.write(chunk);
        }
        if (written >= total) res.end();
      };
      res.on("drain", write);
      write();
    });
    const res = await open(port, "GET");
    await settled(() => written);
    expect(written).toBeLessThan(total / 2);
    let received = 0;
    res.on("data", (chunk: Buffer) => (received += chunk.length));
    await until(() => res.complete);
    expect(received).toBe(total);
  });

  it("reads no faster from the client than the application takes", async () => {
    const total = 64 * 1024 * 1024;
    let upload: IncomingMessage | undefined;
    let received = 0;
    const { port } = await openProxied(rig, (req, res) => {
      upload = req;
      req.on("end", () => res.end("done"));
    });
    const call = request({ port, method: "POST", agent: false });
    const answer = new Promise<IncomingMessage>((resolve) => void call.once("response", resolve));
    let sent = 0;
    const chunk = Buffer.alloc(64 * 1024);
    const send = (): void => {
      while (sent < total) {
        sent += chunk.length;
        if (!call.write(chunk)) return;
      }
      call.end();
    };
    call.on("drain", send);
    send();
    await until(() => upload !== undefined);
    await settled(() => sent);
    expect(sent).toBeLessThan(total / 2);
    upload!.on("data", (part: Buffer) => (received += part.length));
    expect((await answer).statusCode).toBe(200);
    expect(received).toBe(total);
  });

  it("asks for the body with 100 Continue only when the application does", async () => {
    let goOn: (() => void) | undefined;
    const { port, app } = await openProxied(rig, () => undefined);
    app.on("checkContinue", (req, res) => {
      goOn = () => {
        res.writeContinue();
        let body = "";
        req.on("data", (chunk: Buffer) => (body += chunk.toString()));
        req.on("end", () => res.end(`got ${body}`));
      };
    });
    const raw = openRaw(rig, port);
    raw.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    await until(() => goOn !== undefined);
    expect(raw.seen()).toBe("");
    goOn!();
    await until(() => raw.seen() === "HTTP/1.1 100 Continue\r\n\r\n");
    raw.send("body");
    await until(() => raw.seen().includes("got body"));
  });

  it("passes a refusal before the body on and closes, because the body may still come", async () => {
    const { port, app, edge } = await openProxied(rig, () => undefined);
    app.on("checkContinue", (_req, res) => res.writeHead(413).end("too large"));
    const raw = openRaw(rig, port);
    raw.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    await until(() => raw.closed());
    expect(raw.seen()).toMatch(/^HTTP\/1.1 413 [^]*\r\nConnection: close\r\n[^]*too large/);
    await until(() => edge.routing.instances[0]?.inFlight === 0);
  });

  it.each([
    ["HEAD", 200, { "content-length": "12" }],
    ["GET", 204, {}],
    ["GET", 304, { etag: '"x"' }],
  ])(
    "passes a %s answered %i on without a body, and the connection goes on",
    async (method, status, headers) => {
      const { port } = await openProxied(rig, (_req, res) => void res.writeHead(status, headers).end());
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      rig.defer(() => agent.destroy());
      for (let turn = 0; turn < 3; turn++) {
        expect(await ask(port, "/", { method, agent })).toMatchObject({ status, body: "", headers });
      }
    },
  );

  it("lets the application know when the client goes away", async () => {
    let gone = false;
    let asked = false;
    const { port, edge } = await openProxied(rig, (_req, res) => {
      asked = true;
      res.once("close", () => (gone = !res.writableFinished));
    });
    const raw = openRaw(rig, port);
    raw.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await until(() => asked);
    raw.destroy();
    await until(() => gone);
    await until(() => edge.routing.instances[0]?.inFlight === 0);
  });

  it.each([{ "content-length": "100" }, {}])(
    "breaks off when the application does, with headers %j",
    async (headers) => {
      const { port, edge } = await openProxied(rig, (_req, res) => {
        res.writeHead(200, headers);
        res.write("half", () => res.destroy());
      });
      const raw = openRaw(rig, port);
      raw.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await until(() => raw.closed());
      expect(raw.seen()).not.toMatch(/0\r\n\r\n$/);
      expect(edge.metrics.of("v1")).toMatchObject({ requests: 1, errors: 1 });
    },
  );

  it("does not hold it against the release when a client leaves in the middle of an answer", async () => {
    const { port, edge } = await openProxied(rig, (req, res) => {
      if (req.url === "/whole") res.end();
      else res.write("half");
    });
    const raw = openRaw(rig, port);
    raw.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await until(() => raw.seen().includes("half"));
    raw.destroy();
    await until(() => edge.routing.instances[0]?.inFlight === 0);
    await ask(port, "/whole");
    expect(edge.metrics.of("v1")).toMatchObject({ requests: 2, errors: 0 });
  });

  it("counts a request once, and with its failure, when its answer is whole or broken off", async () => {
    let end: (() => void) | undefined;
    const { port, edge } = await openProxied(rig, (_req, res) => {
      res.write("half");
      end = () => void res.destroy();
    });
    const raw = openRaw(rig, port);
    raw.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await until(() => raw.seen().includes("half"));
    expect(edge.metrics.of("v1")).toMatchObject({ requests: 0, errors: 0 });
    end!();
    await until(() => raw.closed());
    expect(edge.metrics.of("v1")).toMatchObject({ requests: 1, errors: 1 });
  });

  it("asks another instance once when a GET gets no answer, and nothing else", async () => {
    const tries: string[] = [];
    const broken = await openApp(rig, (req, res) => {
      tries.push(`broken ${req.method}`);
      res.destroy();
    });
    const good = await openApp(rig, (req, res) => {
      tries.push(`good ${req.method}`);
      res.end("good");
    });
    const { port, edge } = await openEdge(
      rig,
      documentOf(1, [routeTo("v2", broken.port, 100), routeTo("v1", good.port, 0, true)]),
    );
    expect(await ask(port, "/")).toMatchObject({
      status: 200,
      body: "good",
      headers: { "x-tminus-release": "v1" },
    });
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      expect(await ask(port, "/", { method })).toMatchObject({
        status: 502,
        headers: { "x-tminus-release": "v2" },
      });
    }
    expect(
      await ask(port, "/", { method: "GET", headers: { "content-length": "1" }, body: "x" }),
    ).toMatchObject({
      status: 502,
    });
    expect(tries.filter((one) => one.startsWith("good"))).toEqual(["good GET"]);
    expect(tries).toHaveLength(8);
    expect(edge.metrics.of("v2")).toMatchObject({ requests: 7, errors: 7 });
    expect(edge.metrics.of("v1")).toMatchObject({ requests: 1, errors: 0 });
  });

  it("does not ask a third instance", async () => {
    let asked = 0;
    const break_ = () => openApp(rig, (_req, res) => ((asked += 1), res.destroy()));
    const [a, b, c] = [await break_(), await break_(), await break_()];
    const routes = [
      routeTo("v3", a.port, 100),
      routeTo("v2", b.port, 0, true),
      routeTo("v1", c.port, 0, true),
    ];
    const { port } = await openEdge(rig, documentOf(1, routes));
    expect((await ask(port, "/")).status).toBe(502);
    expect(asked).toBe(2);
  });

  it("sends requests elsewhere while an instance refuses connections, and counts them against its release", async () => {
    const gone = await openApp(rig, () => undefined);
    await new Promise<void>((resolve) => void gone.server.close(() => resolve()));
    const good = await openApp(rig, (_req, res) => void res.end("good"));
    const routes = [routeTo("v2", gone.port, 100), routeTo("v1", good.port, 0, true)];
    const { port, edge } = await openEdge(rig, documentOf(1, routes));
    for (let turn = 0; turn < 5; turn++) expect((await ask(port, "/")).body).toBe("good");
    expect((await ask(port, "/", { method: "POST" })).body).toBe("good");
    expect(edge.metrics.of("v2")).toMatchObject({ requests: 1, errors: 1, diverted: 5 });
  });

  it("never sends requests to a release that is only staged", async () => {
    const gone = await openApp(rig, () => undefined);
    await new Promise<void>((resolve) => void gone.server.close(() => resolve()));
    const staged = await openApp(rig, (_req, res) => void res.end("staged"));
    const routes = [routeTo("v2", staged.port, 0, false), routeTo("v1", gone.port, 100, true)];
    const { port } = await openEdge(rig, documentOf(1, routes));
    for (let turn = 0; turn < 3; turn++) expect((await ask(port, "/")).status).toBe(502);
  });

  it("repeats a GET on a new connection when an idle one turns out to be closed, but no POST", async () => {
    const used = new Set<unknown>();
    const { port } = await openProxied(rig, (req, res) => {
      // what a connection looks like that was closed just before the request arrived
      if (used.has(req.socket)) {
        req.socket.destroy();
      } else {
        used.add(req.socket);
        res.end("ok");
      }
    });
    expect((await ask(port, "/")).status).toBe(200);
    expect((await ask(port, "/")).status).toBe(200);
    expect((await ask(port, "/", { method: "POST" })).status).toBe(502);
    expect(used.size).toBe(2);
  });

  it("answers 503 when no release has traffic", async () => {
    const { port } = await openEdge(rig, documentOf(1, []));
    expect((await ask(port, "/")).status).toBe(503);
  });

  it("gives a pinned request to its release whatever the weights, and never to another", async () => {
    const v1 = await openApp(rig, (_req, res) => void res.end("v1"));
    const v2 = await openApp(rig, (_req, res) => void res.end("v2"));
    const { port, edge } = await openEdge(
      rig,
      documentOf(1, [routeTo("v2", v2.port, 0), routeTo("v1", v1.port, 100)]),
    );
    const pinned = { "x-tminus-release": "v2", "x-tminus-pin": "pin-token" };
    expect((await ask(port, "/", { headers: pinned })).body).toBe("v2");
    expect((await ask(port, "/", { headers: { ...pinned, "x-tminus-pin": "wrong-one" } })).body).toBe("v1");
    expect((await ask(port, "/", { headers: { "x-tminus-release": "v2" } })).body).toBe("v1");
    expect((await ask(port, "/", { headers: { ...pinned, "x-tminus-release": "v3" } })).status).toBe(503);
    await new Promise<void>((resolve) => {
      v2.server.closeAllConnections();
      v2.server.close(() => resolve());
    });
    expect((await ask(port, "/", { headers: pinned })).status).toBe(502);
    expect(edge.metrics.of("v2")).toMatchObject({ requests: 0, errors: 0 });
    expect(edge.metrics.of("v1").requests).toBe(2);
  });

  it("counts a client as new for the release that its bucket belongs to, whoever serves it", async () => {
    const { port: appPort } = await openApp(rig, (_req, res) => res.end());
    const { edge, port } = await openEdge(
      rig,
      documentOf(1, [routeTo("v2", 1, 50), routeTo("v1", appPort, 50)]),
    );
    const newClients = (): number[] =>
      ["v2", "v1"].map((release) => edge.metrics.of(release).totals[column.newClients]!);
    const cookies: string[] = [];
    for (let client = 0; client < 60; client++) {
      const { status, headers } = await ask(port, "/");
      expect(status).toBe(200);
      cookies.push(...[headers["set-cookie"] ?? []].flat());
    }
    expect(cookies).toHaveLength(60);
    const ofV2 = cookies.filter((cookie) => readBucket(cookie) < 5_000).length;
    expect(ofV2).toBeGreaterThan(0);
    expect(newClients()).toEqual([ofV2, 60 - ofV2]);
    expect(edge.metrics.of("v2").diverted).toBeGreaterThan(0);
    for (const cookie of cookies) await ask(port, "/", { headers: { cookie } });
    await ask(port, "/", { headers: { "x-tminus-release": "v1", "x-tminus-pin": "pin-token" } });
    expect(newClients()).toEqual([ofV2, 60 - ofV2]);
  });

  it("counts answers by release, 5xx as errors", async () => {
    const { port, edge } = await openProxied(
      rig,
      (req, res) => void res.writeHead(Number(req.url!.slice(1))).end(),
    );
    for (const status of [200, 404, 500, 503]) await ask(port, `/${status}`);
    const counted = edge.metrics.of("v1");
    expect(counted).toMatchObject({ requests: 4, errors: 2 });
    expect(counted.buckets.reduce((sum, count) => sum + count)).toBe(4);
  });
});

function open(port: number, method: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = request({ port, method, agent: false }, resolve);
    call.once("error", reject);
    call.end();
    rig.defer(() => call.destroy());
  });
}

function collect(res: IncomingMessage): { text: string; ended: boolean } {
  const seen = { text: "", ended: false };
  res.setEncoding("utf8").on("data", (chunk: string) => (seen.text += chunk));
  res.once("end", () => (seen.ended = true));
  return seen;
}

/** Resolves when a rising number has stopped rising: the same for 30 looks in a row. */
async function settled(value: () => number): Promise<void> {
  let last = -1;
  let same = 0;
  await until(() => {
    same = value() === last && last > 0 ? same + 1 : 0;
    last = value();
    return same >= 30;
  });
}
