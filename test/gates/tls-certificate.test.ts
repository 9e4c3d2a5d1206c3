import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createPlainServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { tlsCertificate } from "../../src/gates/tls-certificate.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { issue, pemOf, serveTls, type Issued, type ToIssue } from "../support/certificates.ts";
import { gateContext } from "../support/gate-context.ts";

let folder: string;
let root: Issued;
let middle: Issued;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tminus-certificates-"));
  root = await issue({ name: "root", isAuthority: true, untilDays: 1000 });
  middle = await issue({ name: "middle", isAuthority: true, untilDays: 500, by: root });
  writeFileSync(join(folder, "root.pem"), `For tests.\n${pemOf(root)}`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(own: Partial<ToIssue>, chain: Issued[] = [middle]): Promise<string> {
  const issued = await issue({ name: "shop", hosts: ["127.0.0.1"], by: middle, ...own });
  const server = await serveTls(issued, ...chain);
  closers.push(() => server.close());
  return server.url;
}

const check = (url: string, settings: JsonObject = {}) =>
  tlsCertificate.check(
    gateContext(
      tlsCertificate,
      { authorities: "root.pem", ...settings },
      { projectDirectory: folder, url, world: { clock: systemClock } },
    ),
  );

it("passes when the chain is trusted, the host fits and enough days are left", async () => {
  const url = await serve({ untilDays: 30 });
  const outcome = await check(url, { daysLeft: 30 });
  expect(outcome).toMatchObject({ verdict: "pass", evidence: [{ url, daysLeft: 30 }] });
  expect(outcome.reason).toMatch(/: valid until \d{4}-\d\d-\d\d, 30 days$/);
});

it("fails when too few days are left, also because of another certificate of the chain", async () => {
  expect(await check(await serve({ untilDays: 20 }))).toMatchObject({
    verdict: "fail",
    reason: expect.stringMatching(/valid only until .*, 20 days; 21 are wanted$/) as unknown,
  });
  const brief = await issue({ name: "brief", isAuthority: true, untilDays: 5, by: root });
  expect(await check(await serve({ by: brief }, [brief]))).toMatchObject({
    verdict: "fail",
    reason: expect.stringMatching(/5 days because of brief in its chain; 21 are wanted$/) as unknown,
  });
});

it.each<[string, Partial<ToIssue>, string]>([
  ["has expired", { fromDays: -10, untilDays: -1 }, "it has expired (CERT_HAS_EXPIRED)"],
  ["is not valid yet", { fromDays: 1 }, "it is not valid yet (CERT_NOT_YET_VALID)"],
  [
    "is for another host",
    { hosts: ["shop.example.com"] },
    "it is not for 127.0.0.1 but for DNS:shop.example.com (ERR_TLS_CERT_ALTNAME_INVALID)",
  ],
])("fails when it %s", async (_, own, reason) => {
  expect(await check(await serve(own))).toMatchObject({
    verdict: "fail",
    reason: expect.stringContaining(reason) as unknown,
  });
});

it("fails when it is signed by itself, when its root is not trusted, and when the chain is not sent whole", async () => {
  const own = await issue({ name: "own", hosts: ["127.0.0.1"] });
  const server = await serveTls(own);
  closers.push(() => server.close());
  expect(await check(server.url)).toMatchObject({
    verdict: "fail",
    reason: expect.stringContaining("it is signed by itself") as unknown,
  });
  const stranger = await issue({ name: "stranger", isAuthority: true });
  expect(await check(await serve({ by: stranger }, [stranger]))).toMatchObject({ verdict: "fail" });
  expect(await check(await serve({}, []))).toMatchObject({
    verdict: "fail",
    reason: expect.stringContaining("does not send its whole chain") as unknown,
  });
});

it("is not trusted without the project's own authorities", async () => {
  const context = gateContext(tlsCertificate, {}, { url: await serve({}), world: { clock: systemClock } });
  expect(await tlsCertificate.check(context)).toMatchObject({ verdict: "fail" });
});

async function plainServer(onConnect: (socket: Socket) => void): Promise<string> {
  const server: Server = createPlainServer((socket) => {
    socket.on("error", () => undefined);
    onConnect(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const open = new Set<Socket>();
  server.on("connection", (socket) => open.add(socket));
  closers.push(async () => {
    for (const socket of open) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it("fails when something answers that does not speak TLS", async () => {
  const url = await plainServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  expect(await check(url)).toMatchObject({
    verdict: "fail",
    reason: expect.stringContaining("no TLS connection") as unknown,
  });
});

it("is undecided when nobody answers, nobody answers in time, or there is nothing to look at", async () => {
  const silent = await plainServer(() => undefined);
  expect(await check(silent, { timeout: "100ms" })).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("no TLS connection within 100 ms") as unknown,
  });
  const closing = await plainServer((socket) => socket.destroy());
  expect(await check(closing)).toMatchObject({ verdict: "unknown" });
  const gone = await serve({});
  await closers.pop()!();
  expect(await check(gone)).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("ECONNREFUSED") as unknown,
  });
  expect(await check("http://127.0.0.1:9")).toMatchObject({
    verdict: "unknown",
    reason: "http://127.0.0.1:9 is no https address",
  });
  expect(await check(gone, { authorities: "none.pem" })).toMatchObject({
    verdict: "unknown",
    reason: "none.pem does not exist",
  });
});

it("looks at every address, and the worst counts", async () => {
  const [good, bad] = [await serve({}), await serve({ untilDays: 1 })];
  expect(await check("https://127.0.0.1:9", { urls: [good, bad] })).toMatchObject({
    verdict: "fail",
    reason: expect.stringContaining(bad) as unknown,
    evidence: [{ verdict: "pass" }, { verdict: "fail" }],
  });
});
