import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { ask, type Asked } from "../../../src/providers/signals/ask.ts";

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  server = undefined;
});

async function asked(status: number, headers: Record<string, string> = {}, body = ""): Promise<Asked> {
  server = createServer((_request, response) => response.writeHead(status, headers).end(body));
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  return ask({
    request: {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      headers: { Authorization: "Bearer t0p-s3cret" },
      timeoutMs: 5000,
      maxBodyBytes: 100,
    },
    who: "the server",
    now: new Date("2026-01-05T10:00:00Z"),
    redact: (text) => text.replaceAll("hunter2", "***"),
  });
}

it("hands on what was answered", async () => {
  expect(await asked(200, {}, "42")).toMatchObject({ ok: true, response: { body: "42" } });
});

it.each([
  [302, true],
  [400, true],
  [401, true],
  [403, true],
  [404, true],
  [422, true],
  [408, false],
  [429, false],
  [500, false],
  [503, false],
])("takes %i as an error, lasting: %s", async (status, isLasting) => {
  const expected = { state: "error", reason: `the server answered ${status}`, isLasting };
  expect(await asked(status)).toEqual({ ok: false, status, error: expected });
});

it.each([
  ["120", 120_000],
  ["Mon, 05 Jan 2026 10:00:30 GMT", 30_000],
  ["Mon, 05 Jan 2026 09:00:00 GMT", 0],
])("reads Retry-After: %s", async (value, retryAfterMs) => {
  expect(await asked(503, { "retry-after": value })).toMatchObject({ error: { retryAfterMs } });
});

it("does not take a Retry-After that it cannot read", async () => {
  expect(await asked(503, { "retry-after": "soon" })).toMatchObject({
    error: { reason: "the server answered 503" },
  });
});

it("quotes a refusal on one line, without secrets and without what it sent", async () => {
  const body = "no:\n Bearer t0p-s3cret or\tt0p-s3cret,  hunter2";
  expect(await asked(403, {}, body)).toMatchObject({
    error: { reason: "the server answered 403: no: *** or ***, ***" },
  });
});

it("does not take the beginning of an answer for the whole", async () => {
  expect(await asked(200, {}, "x".repeat(101))).toMatchObject({
    error: { reason: "the server answered more than 100 bytes", isLasting: false },
  });
});

it("takes an address that is none as an error that lasts, and does not name it", async () => {
  const error = await ask({
    request: { url: "s3cret-not-an-address", timeoutMs: 1000 },
    who: "the server",
    now: new Date(0),
    redact: (text) => text,
  });
  expect(error).toEqual({
    ok: false,
    error: {
      state: "error",
      reason: "the server cannot be asked: the address is not an http(s) URL",
      isLasting: true,
    },
  });
});
