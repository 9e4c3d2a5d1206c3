import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { serve, type RunningServer } from "../../src/server/serve.ts";
import { usualLimits } from "../../src/server/server-ports.ts";
import { samplePlan } from "../support/state.ts";
import { fakeTminus } from "../cli/support/fake-tminus.ts";

const PATIENCE = { timeout: 60_000 };
const stop = new AbortController();
let server: RunningServer;
beforeAll(async () => {
  server = await serve({
    tminus: fakeTminus(samplePlan()),
    clock: systemClock,
    host: "127.0.0.1",
    port: 0,
    withConsole: false,
    limits: usualLimits,
    timeouts: { headersMs: 1_000, requestMs: 2_000 },
    version: "0.0.0",
    stop: stop.signal,
    log: () => undefined,
  });
});
afterAll(async () => {
  stop.abort();
  await server.ended;
});

/** Sends the beginning, and then a byte now and then for as long as the connection is there; resolves to what came back. */
function dribble(beginning: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve) => {
    let heard = "";
    const socket = connect(Number(port), hostname, () => socket.write(beginning));
    const more = setInterval(() => socket.write("x"), 100);
    socket.setEncoding("utf8").on("data", (text: string) => (heard += text));
    socket.on("error", () => undefined); // it is cut off
    socket.on("close", () => {
      clearInterval(more);
      resolve(heard);
    });
  });
}

describe("a client that sends a byte now and then", () => {
  it("is cut off when its headers do not come to an end", PATIENCE, async () => {
    const heard = await dribble("GET /api/session HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    expect(heard).toMatch(/^(HTTP\/1\.1 408 |$)/);
  });

  it(
    "is cut off when its body does not come to an end, which nobody who has not signed in gets to send at all",
    PATIENCE,
    async () => {
      const { host } = new URL(server.url);
      const heard = await dribble(
        `POST /api/session HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}\r\nContent-Type: application/json\r\nContent-Length: 16000\r\n\r\n{`,
      );
      expect(heard).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
    },
  );

  it("keeps nobody else from being answered meanwhile", PATIENCE, async () => {
    const slow = Array.from({ length: 200 }, () => dribble("GET / HTTP/1.1\r\nX-Slow: "));
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    await Promise.all(slow);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});
