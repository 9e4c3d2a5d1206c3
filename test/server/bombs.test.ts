import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GuardedServer, PASSWORD } from "./support/guarded-server.ts";
import { bombs, hostileValues, largeBombs, type Bomb } from "./support/hostile-json.ts";
import { parametersOf } from "./support/openapi.ts";
import { casesOf, changes, undocumented, type Case } from "./support/operations.ts";
import { rawRequest, type RawAnswer } from "./support/raw-request.ts";

const PATIENCE = { timeout: 300_000 };
/** What the server's process may come to hold, whatever it is sent. */
const MOST_MEGABYTES = 512;

let guarded: GuardedServer;
let all: Case[];
/** One for each operation that takes JSON. */
let taking: Case[];

beforeAll(async () => {
  guarded = await GuardedServer.start();
  all = casesOf(guarded.document);
  const byRoute = new Map(all.map((one) => [`${one.method} ${one.template}`, one]));
  taking = [...byRoute.values()].filter(({ body }) => body?.mediaType === "application/json");
}, 120_000);
afterAll(() => guarded.close(), 60_000);

/** As somebody who may do all; signing in, which is counted, as a browser that has not. */
async function headersFor({ template }: Case): Promise<Record<string, string>> {
  if (!/^\/api\/(session|setup)$/.test(template)) return guarded.as("ann");
  const page = { origin: guarded.url, "sec-fetch-site": "same-origin" };
  // A success makes the attempts before it forgotten.
  const login = { method: "POST", path: "/api/session", headers: { "content-type": "application/json" } };
  await guarded.send({ ...login, body: JSON.stringify({ name: "ann", password: PASSWORD }) }, page);
  return page;
}

async function expectRefused(what: string, answer: Promise<RawAnswer>, most = 499): Promise<void> {
  const { status, text } = await answer.catch((error: unknown) => {
    throw new Error(`${what} is not answered`, { cause: error });
  });
  const isGood = status >= (most === 499 ? 400 : 200) && status <= 499;
  expect([what, status, isGood ? "" : text.slice(0, 300)]).toEqual([what, status, ""]);
}

/** Since the last time that it was asked. */
function peakMegabytes(): number {
  const process = `/proc/${guarded.server.command.pid}`;
  const [, kB] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`${process}/status`, "utf8"))!;
  writeFileSync(`${process}/clear_refs`, "5");
  return Number(kB) / 1024;
}

async function expectWell(): Promise<void> {
  expect(peakMegabytes()).toBeLessThan(MOST_MEGABYTES);
  const { status } = await rawRequest(guarded.url, {
    path: "/api/environments",
    headers: guarded.as("viewer"),
  });
  expect(status).toBe(200);
}

describe("a body that is meant to bring the server down", () => {
  async function drop(one: Case, name: string, { body, headers = {} }: Bomb): Promise<void> {
    const request = await guarded.requestFor(one);
    const all = { ...request.headers, ...(await headersFor(one)), ...headers };
    await expectRefused(`${one.name}: ${name}`, rawRequest(guarded.url, { ...request, headers: all, body }));
  }

  it.each(Object.entries(bombs))(
    "is refused by every route that takes one: %s",
    PATIENCE,
    async (name, bomb) => {
      for (const one of taking) await drop(one, name, bomb());
      await expectWell();
    },
  );

  it("is refused by every route that takes one when it is large, too", PATIENCE, async () => {
    const large = Object.entries(largeBombs);
    for (const [index, one] of taking.entries()) {
      const [name, bomb] = large[index % large.length]!;
      await drop(one, name, bomb());
    }
    await expectWell();
  });

  it.each(Object.entries(largeBombs))(
    "is refused where the largest bodies are taken: %s",
    PATIENCE,
    async (name, bomb) => {
      await drop(
        taking.find((one) => one.name === "POST /api/runs")!,
        name,
        bomb(),
      );
      await expectWell();
    },
  );

  it("is refused in the place of any property, or taken as what it is", PATIENCE, async () => {
    for (const one of taking) {
      const request = await guarded.requestFor(one);
      const good = JSON.parse(request.body!) as Record<string, unknown>;
      for (const property of Object.keys(good))
        for (const [name, value] of Object.entries(hostileValues)) {
          const { headers } = await guarded.requestFor({ ...one, body: undefined });
          const body = JSON.stringify({ ...good, [property]: value });
          await expectRefused(
            `${one.name}: ${name} as ${property}`,
            guarded.send(
              { ...request, headers: { ...request.headers, ...headers }, body },
              await headersFor(one),
            ),
            200,
          );
        }
    }
    await expectWell();
  });

  it("is refused inside a plan, whose steps may hold any JSON", PATIENCE, async () => {
    const [start] = taking.filter(({ name }) => name === "POST /api/runs");
    const request = await guarded.requestFor(start!);
    const { plan } = JSON.parse(request.body!) as { plan: object };
    for (const inner of [
      "[".repeat(90) + "]".repeat(90),
      "[".repeat(5_000) + "]".repeat(5_000),
      `[${"{},".repeat(400_000)}0]`,
    ]) {
      const text = JSON.stringify({ plan }).replace(`"facts":{`, `"facts":{"bomb":${inner},`);
      expect(text).toContain("bomb");
      await expectRefused("in a plan", guarded.send({ ...request, body: text }, guarded.as("ann")));
    }
    await expectWell();
  });

  it("is not held in memory for many at once", PATIENCE, async () => {
    const [start] = taking.filter(({ name }) => name === "POST /api/runs");
    const request = await guarded.requestFor(start!);
    const body = JSON.stringify({ plan: "x".repeat(15_000_000) });
    const sent = Array.from({ length: 24 }, () => guarded.send({ ...request, body }, guarded.as("ann")));
    for (const answer of sent) await expectRefused("one of many", answer);
    await expectWell();
  });

  it("is not read from somebody who has not signed in", PATIENCE, async () => {
    for (const one of taking) {
      const request = await guarded.requestFor(one);
      const page = { origin: guarded.url, "sec-fetch-site": "same-origin" };
      const { status, code, message } = await guarded.send({ ...request, body: " ".repeat(20_000) }, page);
      expect([one.name, status, code ?? message]).toEqual([
        one.name,
        expect.toBeOneOf([400, 401, 429]),
        expect.any(String),
      ]);
    }
    await expectWell();
  });
});

describe("an address that is meant to bring the server down", () => {
  const names: Record<string, string> = {
    "U+0000": "%00",
    "a line break": "a%0d%0aSet-Cookie:%20a=b",
    "bytes that are not UTF-8": "%ff%fe",
    "half an escape": "%",
    "another path": "..%2f..%2f..%2fetc%2fpasswd",
    "a prototype": "__proto__",
    "a long name": "a".repeat(8_000),
    "a longer name": "a".repeat(15_000),
    "a quote": "'%20or%20''='",
    "a bell": "%07",
    "a number": "99999999999999999999999",
    "a pattern": "%25%25%25_%25",
  };

  it.each(Object.entries(names))(
    "is answered by every route when it names %s",
    PATIENCE,
    async (what, name) => {
      for (const one of all.filter(({ template }) => template.includes("{"))) {
        const request = await guarded.requestFor(one);
        const path = one.template.replaceAll(/\{\w+\}/g, name);
        await expectRefused(`${one.name}: ${what}`, guarded.send({ ...request, path }, guarded.as("ann")));
      }
      await expectWell();
    },
  );

  const values = [
    "99999999999999999999",
    "9007199254740991",
    "1e308",
    "-1",
    "NaN",
    "Infinity",
    "0x10",
    "%00",
    "%ff",
    "%",
    "[]",
    "a".repeat(7_000),
    "__proto__",
    "%F0%9F%92%A3",
  ];

  it("is answered by every route that reads, whatever its query and its headers say", PATIENCE, async () => {
    const reads = all.filter((one) => !changes(one));
    const ask = async (what: string, path: string, headers: Record<string, string> = {}): Promise<void> =>
      expectRefused(
        what,
        rawRequest(guarded.url, {
          path,
          headers: { ...guarded.as("ann"), ...headers },
          headOnly: path.includes("/events"),
        }),
        200,
      );
    for (const one of reads) {
      const { path } = await guarded.requestFor(one);
      for (const { name } of parametersOf(one.operation, "query"))
        for (const value of values) {
          await ask(`${one.name} ${name}=${value.slice(0, 30)}`, `${path}?${name}=${value}`);
          await ask(`${one.name} ${name} twice`, `${path}?${name}=${value}&${name}=${value}`);
        }
      for (const { name } of parametersOf(one.operation, "header"))
        for (const value of values)
          await ask(`${one.name} ${name}: ${value.slice(0, 30)}`, path, { [name]: value });
    }
    await expectWell();
  });

  it(
    "is refused by every route with thousands of parameters, and where it is too long",
    PATIENCE,
    async () => {
      const many = Array.from({ length: 3_000 }, (_, n) => `a${n}=`).join("&");
      const left = undocumented(guarded.document).map((name) => name.split(" ")[1]!);
      const templates = [...new Set(all.map(({ template }) => template))].filter(
        (template) => !left.includes(template),
      );
      for (const template of templates) {
        const path = template.replaceAll(/\{\w+\}/g, "x");
        for (const query of [many.slice(0, 12_000), `a=${"x".repeat(12_000)}`, many]) {
          const answer = await rawRequest(guarded.url, {
            path: `${path}?${query}`,
            headers: guarded.as("ann"),
            headOnly: true,
          });
          expect([template, answer.status]).toEqual([template, expect.toBeOneOf([400, 431])]);
        }
      }
      for (const path of left) {
        const answer = await rawRequest(guarded.url, {
          path: `${path}?${many.slice(0, 12_000)}`,
          headers: guarded.as("ann"),
        });
        expect([path, answer.status < 500]).toEqual([path, true]);
      }
      await expectWell();
    },
  );

  it("is refused with headers that are too large, or too many", PATIENCE, async () => {
    for (const headers of [
      { cookie: `a=${"x".repeat(20_000)}` },
      { authorization: `Bearer ${"x".repeat(20_000)}` },
      Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`x-${n}`, "1"])),
    ]) {
      const { status } = await rawRequest(guarded.url, { path: "/api/session", headers });
      expect(status).toBe(431);
    }
    await expectWell();
  });
});
