import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { urlHeaders } from "../../src/gates/url-headers.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { gateContext } from "../support/gate-context.ts";

let server: Server;
let url: string;
beforeEach(async () => {
  server = createServer((request, response) => {
    if (request.url === "/slow") return;
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("Strict-Transport-Security", "max-age=63072000; includeSubDomains");
    if (request.url === "/moved") response.writeHead(302, { location: "/" });
    if (request.url === "/app.js") response.setHeader("cache-control", ["public", "max-age=1, immutable"]);
    if (request.url === "/sign-in") response.setHeader("set-cookie", "session=abc123; Secure; HttpOnly");
    if (request.url === "/old") response.setHeader("x-powered-by", "Express");
    response.end("x".repeat(5000));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

const check = (pages: JsonObject[], more: JsonObject = {}) =>
  urlHeaders.check(gateContext(urlHeaders, { pages, ...more }, { url }));
const security = {
  headers: { "x-content-type-options": "nosniff", "Strict-Transport-Security": "max-age=*" },
  absent: ["x-powered-by"],
};

it("passes when every address has its headers", async () => {
  const pages = [security, { path: "/app.js", headers: { "cache-control": "*immutable*" } }];
  expect(await check(pages)).toMatchObject({
    verdict: "pass",
    reason: "2 addresses answered with the headers that are wanted",
    evidence: [{ seen: { "x-content-type-options": "nosniff" } }, {}],
  });
});

it("fails when a header is missing, has another value, or should not be there", async () => {
  const headers = { "content-security-policy": "*", "x-content-type-options": "sniff" };
  expect(await check([{ path: "/old", headers, absent: ["X-Powered-By"] }])).toMatchObject({
    verdict: "fail",
    reason: `${url}/old: has no content-security-policy, x-content-type-options is "nosniff", not "sniff", has X-Powered-By`,
  });
});

it("fails on another status, such as a redirect, unless that is wanted", async () => {
  expect(await check([{ ...security, path: "/moved" }])).toMatchObject({
    verdict: "fail",
    reason: `${url}/moved: answered 302, not 200`,
  });
  expect(await check([{ ...security, path: "/moved", status: 302 }])).toMatchObject({ verdict: "pass" });
});

it("is undecided when nobody answers, or not in time; what fails beside it counts more", async () => {
  const silent = { path: "/slow" };
  expect(await check([security, silent], { timeout: "100ms" })).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining(`${url}/slow: no complete answer`) as unknown,
  });
  expect(await check([{ url: "http://does-not-exist.invalid" }])).toMatchObject({ verdict: "unknown" });
  expect(
    await check([silent, { path: "/old", absent: ["x-powered-by"] }], { timeout: "100ms" }),
  ).toMatchObject({
    verdict: "fail",
  });
});

it("keeps no value of a cookie", async () => {
  const outcome = await check([{ path: "/sign-in", headers: { "set-cookie": "*; Secure; HttpOnly" } }]);
  expect(outcome).toMatchObject({
    verdict: "pass",
    evidence: [{ seen: { "set-cookie": "session=***; Secure; HttpOnly" } }],
  });
});
