import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { Secret } from "../../../src/lib/redact.ts";
import { createWebhookChannel, webhookChannelSchema } from "../../../src/providers/channels/webhook.ts";

const signal = new AbortController().signal;
const message = { key: "k1", title: "Deploying v2", text: "Ünïcode", facts: { release: "v2" } };

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  server = undefined;
});

interface Received {
  url: string;
  method: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Answers with this status; 0 never answers. */
async function serve(status: number, received: Received[] = []): Promise<string> {
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      received.push({ url: request.url ?? "", method: request.method ?? "", headers: request.headers, body });
      if (status !== 0) response.writeHead(status, { location: "/moved" }).end("ok");
    });
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/s3cr3t-token`;
}

function channel(address: string, timeout = "5s") {
  const settings = webhookChannelSchema.parse({ url: "env:HOOK", timeout });
  return createWebhookChannel({ id: "ops", settings, url: new Secret(address, "env:HOOK") });
}

it("posts the message as JSON under its key", async () => {
  const received: Received[] = [];
  await channel(await serve(202, received)).send(message, signal);
  expect(received).toHaveLength(1);
  const [{ method, headers, body, url }] = received as [Received];
  expect({ method, url, type: headers["content-type"], key: headers["idempotency-key"] }).toEqual({
    method: "POST",
    url: "/hooks/s3cr3t-token",
    type: "application/json",
    key: "k1",
  });
  expect(JSON.parse(body)).toEqual(message);
});

it.each([302, 400, 404, 500])("is not delivered by an answer of %i", async (status) => {
  const received: Received[] = [];
  const sending = channel(await serve(status, received)).send(message, signal);
  await expect(sending).rejects.toMatchObject({
    code: "CHANNEL_UNDELIVERED",
    message: `ops (env:HOOK) answered ${status}`,
  });
  expect(received).toHaveLength(1);
});

it("is not delivered without an answer, and never names the address", async () => {
  const silent = await serve(0);
  await expect(channel(silent, "100ms").send(message, signal)).rejects.toMatchObject({
    message: "ops (env:HOOK) did not answer within 100ms",
  });
  for (const address of [
    "http://127.0.0.1:1/s3cr3t",
    "http://does-not-exist.invalid/s3cr3t",
    "ftp://host/s3cr3t",
    "s3cr3t",
  ]) {
    const error = await channel(address)
      .send(message, signal)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "CHANNEL_UNDELIVERED" });
    expect(JSON.stringify([error, String(error)])).not.toContain("s3cr3t");
  }
});

it("throws the reason when it is aborted", async () => {
  const stopping = new AbortController();
  const sending = channel(await serve(0)).send(message, stopping.signal);
  stopping.abort(new Error("enough"));
  await expect(sending).rejects.toThrow("enough");
});

it("takes its address by reference only", () => {
  expect(webhookChannelSchema.safeParse({ url: "https://hooks.example.com/x" }).success).toBe(false);
  expect(webhookChannelSchema.parse({ url: "env:HOOK" })).toEqual({ url: "env:HOOK", timeout: "10s" });
});
