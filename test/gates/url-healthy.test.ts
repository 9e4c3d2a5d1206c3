import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { urlHealthy } from "../../src/gates/url-healthy.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { gateContext } from "../support/gate-context.ts";

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  server = undefined;
});

/** Answers with this status; 0 never answers. Returns the address. */
async function serve(status: number, asked: string[] = []): Promise<string> {
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    if (status !== 0) response.writeHead(status, { location: "/elsewhere" }).end("body");
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const check = (url: string, settings: JsonObject = {}) =>
  urlHealthy.check(gateContext(urlHealthy, settings, { url }));

it("passes on 200 at the path of the environment's address", async () => {
  const asked: string[] = [];
  const url = await serve(200, asked);
  expect(await check(`${url}/`, { path: "/ready?full=1" })).toMatchObject({ verdict: "pass" });
  expect(asked).toEqual(["/ready?full=1"]);
});

it.each([204, 302, 404, 503])("fails on %i", async (status) => {
  expect(await check(await serve(status))).toMatchObject({
    verdict: "fail",
    reason: expect.stringContaining(`answered ${status}`) as unknown,
  });
});

it("fails when the connection is refused", async () => {
  const url = await serve(200);
  await new Promise<void>((resolve) => server!.close(() => resolve()));
  server = undefined;
  expect(await check(url)).toMatchObject({ verdict: "fail", fix: "start the service" });
});

it("is undecided when there is no answer in time, or no such name", async () => {
  expect(await check(await serve(0), { timeout: "100ms" })).toMatchObject({ verdict: "unknown" });
  expect(await check("http://does-not-exist.invalid")).toMatchObject({ verdict: "unknown" });
});

it("asks another address when one is given", async () => {
  const url = await serve(200);
  expect(await check("http://127.0.0.1:9", { url })).toMatchObject({ verdict: "pass" });
});
