import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../src/providers/local/free-port.ts";
import { effectStep, stage } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";
import { GuardedServer, PASSWORD } from "./support/guarded-server.ts";
import { casesOf } from "./support/operations.ts";
import { rawRequest, type RawAnswer } from "./support/raw-request.ts";
import { startServer } from "./support/running-server.ts";

const PATIENCE = { timeout: 120_000 };
const PUBLIC = "https://deploys.example.com";

let guarded: GuardedServer;
beforeAll(async () => {
  guarded = await GuardedServer.start();
}, 120_000);
afterAll(() => guarded.close(), 60_000);

const page = (url: string): Record<string, string> => ({ origin: url, "sec-fetch-site": "same-origin" });

function signIn(url: string, headers: Record<string, string> = {}, name = "ann", password = PASSWORD) {
  return rawRequest(url, {
    method: "POST",
    path: "/api/session",
    headers: { ...page(url), "content-type": "application/json", ...headers },
    body: JSON.stringify({ name, password }),
  });
}

/** "a=b" of the cookie that the answer sets. */
function cookieOf({ headers }: RawAnswer): string {
  return headers["set-cookie"]![0]!.split(";")[0]!;
}

async function statusWith(cookie: string): Promise<number> {
  return (await rawRequest(guarded.url, { path: "/api/runs", headers: { cookie } })).status;
}

describe("the set-up link", () => {
  it("makes one user, however many open it at once", PATIENCE, async () => {
    const project = await ReleaseProject.create({ stages: stage("go", effectStep("a")) });
    const server = await startServer(project, ["--role", "web"]);
    const make = (name: string) =>
      rawRequest(server.url, {
        method: "POST",
        path: "/api/setup",
        headers: { ...page(server.url), "content-type": "application/json" },
        body: JSON.stringify({
          code: server.setUpCode,
          name,
          email: `${name}@example.com`,
          password: PASSWORD,
        }),
      });
    const answers = await Promise.all(["ann", "ann", "ben", "eve", "eve"].map(make));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
    const users = await project.query("select name from tminus.user_account", project.stateUrl);
    expect(users).toHaveLength(1);
    await server.stop();
    await project.close();
  });
});

describe("a session", () => {
  it(
    "has a cookie that no script, no other site, no other path and no other host gets to see or set",
    PATIENCE,
    async () => {
      const answer = await signIn(guarded.url);
      const set = answer.headers["set-cookie"]!;
      expect(set).toHaveLength(1);
      const [pair, ...attributes] = set[0]!.split("; ");
      expect(pair).toMatch(/^__Host-tminus=[0-9a-z]{52}$/);
      expect(attributes.toSorted()).toEqual([
        expect.stringMatching(/^Expires=/),
        "HttpOnly",
        "Path=/",
        "SameSite=Strict",
        "Secure",
      ]);
      const out = await rawRequest(guarded.url, {
        method: "DELETE",
        path: "/api/session",
        headers: { ...page(guarded.url), cookie: cookieOf(answer) },
      });
      expect(out.headers["set-cookie"]![0]).toMatch(
        /^__Host-tminus=; Max-Age=0; Path=\/; HttpOnly; Secure; SameSite=Strict/,
      );
    },
  );

  it(
    "is a new one at each signing in: neither what the browser brought counts, nor the one before",
    PATIENCE,
    async () => {
      const planted = `__Host-tminus=${"a".repeat(52)}`;
      const first = cookieOf(await signIn(guarded.url, { cookie: planted }));
      expect(first).not.toBe(planted);
      expect(await statusWith(planted)).toBe(401);
      const second = cookieOf(await signIn(guarded.url, { cookie: first }));
      expect(second).not.toBe(first);
      expect([await statusWith(first), await statusWith(second)]).toEqual([401, 200]);
    },
  );

  it("is not that of a cookie with another name", PATIENCE, async () => {
    const secret = cookieOf(await signIn(guarded.url)).split("=")[1]!;
    for (const name of ["tminus", "__Secure-tminus", "__host-tminus"])
      expect(await statusWith(`${name}=${secret}`)).toBe(401);
  });
});

describe("limits", () => {
  it("count by the address of the connection, whatever the request says of it", PATIENCE, async () => {
    const server = await startServer(guarded.project, ["--role", "web", "--requests-per-minute", "20"]);
    const login: number[] = [];
    for (let n = 0; n < 7; n++) {
      const forwarded = {
        "x-forwarded-for": `10.0.0.${n}`,
        forwarded: `for=10.0.0.${n}`,
        "x-real-ip": `10.0.0.${n}`,
      };
      login.push((await signIn(server.url, forwarded, `x${n}`, "wrong")).status);
    }
    expect(login).toEqual([401, 401, 401, 401, 401, 429, 429]);
    const asked: RawAnswer[] = [];
    for (let n = 0; n < 15; n++)
      asked.push(
        await rawRequest(server.url, { path: "/api/session", headers: { "x-forwarded-for": `10.1.0.${n}` } }),
      );
    expect(asked.map(({ status }) => status)).toEqual([...Array<number>(13).fill(200), 429, 429]);
    expect(Number(asked.at(-1)!.headers["retry-after"])).toBeGreaterThan(0);
    await server.stop();
  });

  it("do not keep anybody from stopping a run because pages have looked too often", PATIENCE, async () => {
    const server = await startServer(guarded.project, ["--role", "web", "--requests-per-minute", "5"]);
    const headers = guarded.as("ann");
    const look = () => rawRequest(server.url, { path: "/api/session", headers });
    for (let n = 0; n < 5; n++) expect((await look()).status).toBe(200);
    expect((await look()).status).toBe(429);
    const stop = () =>
      rawRequest(server.url, {
        method: "POST",
        path: "/api/runs/nothing/signals",
        headers: { ...headers, "content-type": "application/json", "idempotency-key": randomUUID() },
        body: JSON.stringify({ kind: "abort", note: "" }),
      });
    const answers: (string | undefined)[] = [];
    for (let n = 0; n < 6; n++) answers.push((await stop()).code);
    expect(answers).toEqual([...Array<string>(5).fill("RUN_UNKNOWN"), "RATE_LIMITED"]);
    await server.stop();
  });

  it(
    "count by the last address that a declared proxy forwards, and not by those that its sender wrote",
    PATIENCE,
    async () => {
      const port = String(await freePort("127.0.0.1", `${guarded.project.directory}/public`));
      const url = `http://127.0.0.1:${port}`;
      const args = ["--role", "web", "--port", port, "--public-url", PUBLIC];
      const server = await startServer(guarded.project, args);
      const host = { host: "deploys.example.com", origin: PUBLIC };
      const spoofed: number[] = [];
      for (let n = 0; n < 6; n++)
        spoofed.push(
          (await signIn(url, { ...host, "x-forwarded-for": `10.0.0.${n}, 192.0.2.1` }, `y${n}`, "wrong"))
            .status,
        );
      expect(spoofed).toEqual([401, 401, 401, 401, 401, 429]);
      const other = await signIn(url, { ...host, "x-forwarded-for": "10.0.0.1, 192.0.2.2" }, "y9", "wrong");
      expect(other.status).toBe(401);
      await server.stop();
    },
  );
});

describe("every answer", () => {
  it("has strict headers, also one that refuses, and is kept by nobody", PATIENCE, async () => {
    const paths = new Set(
      casesOf(guarded.document).map(({ template }) => template.replaceAll(/\{\w+\}/g, "x")),
    );
    const answers: [string, RawAnswer][] = [];
    for (const path of [...paths].filter((one) => one !== "/api/events"))
      for (const method of ["GET", "POST", "OPTIONS", "PROPFIND"])
        for (const headers of [{}, guarded.as("ann"), { host: "evil.example" }])
          answers.push([`${method} ${path}`, await rawRequest(guarded.url, { method, path, headers })]);
    for (const path of [
      "/healthz",
      "/readyz",
      "/metrics",
      "/nothing",
      "/api/nothing",
      "/api/%00",
      "/api/openapi.json",
    ])
      answers.push([path, await rawRequest(guarded.url, { path })]);
    for (const [what, { status, headers }] of answers) {
      expect([what, status < 500]).toEqual([what, true]);
      expect([what, headers]).toEqual([
        what,
        expect.objectContaining({
          "content-security-policy":
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'",
          "x-content-type-options": "nosniff",
          "x-frame-options": "DENY",
          "referrer-policy": "no-referrer",
          "cross-origin-opener-policy": "same-origin",
          "cross-origin-resource-policy": "same-origin",
          "strict-transport-security": "max-age=31536000",
        }),
      ]);
      if (what.includes("/api/")) expect([what, headers["cache-control"]]).toEqual([what, "no-store"]);
      expect([
        what,
        Object.keys(headers).filter((name) => /^access-control-|^server$|^x-powered-by$/.test(name)),
      ]).toEqual([what, []]);
    }
  });
});
