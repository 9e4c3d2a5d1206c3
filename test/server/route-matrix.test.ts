import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GuardedServer, type ValidRequest } from "./support/guarded-server.ts";
import { casesOf, changes, documentOf, undocumented, type Case } from "./support/operations.ts";
import { isLetThrough } from "./support/let-through.ts";
import type { RawAnswer } from "./support/raw-request.ts";
import { changedBetween, StateReader } from "./support/state-mark.ts";

const PATIENCE = { timeout: 240_000 };
/** Nobody has signed in yet who asks these; everything else needs an identity. */
const OPEN = ["DELETE /api/session", "POST /api/session", "POST /api/setup"];
/** What the document leaves out: pages, files for programs, and itself. None changes anything but by the provider's word. */
const LEFT_OUT = [
  "GET /api/login/oidc",
  "GET /api/login/oidc/callback",
  "GET /api/openapi.json",
  "GET /healthz",
  "GET /metrics",
  "GET /readyz",
];
const KEY = "idempotency-key";

let guarded: GuardedServer;
let state: StateReader;
let all: Case[];
let mutating: Case[];
/** Those that ask who calls. */
let closed: Case[];

beforeAll(async () => {
  guarded = await GuardedServer.start();
  state = await StateReader.open(guarded.project.stateUrl);
  all = casesOf(guarded.document);
  mutating = all.filter(changes);
  closed = mutating.filter(({ name }) => !OPEN.includes(name));
}, 120_000);
afterAll(async () => {
  await state.close();
  await guarded.close();
}, 60_000);

/** What each request was answered as `spoil` sends it, and what all of them together changed. */
async function refusals(
  cases: readonly Case[],
  spoil: (request: ValidRequest, one: Case) => Promise<RawAnswer>,
): Promise<{ answers: Record<string, string>; changed: string[] }> {
  const requests: [Case, ValidRequest][] = [];
  for (const one of cases) requests.push([one, await guarded.requestFor(one)]);
  const before = await state.mark();
  const answers: Record<string, string> = {};
  for (const [one, request] of requests) {
    const { status, code = "" } = await spoil(request, one);
    answers[one.name] = `${status} ${code}`;
  }
  return { answers, changed: changedBetween(before, await state.mark()) };
}

function every(cases: readonly Case[], answer: string) {
  return { answers: Object.fromEntries(cases.map(({ name }) => [name, answer])), changed: [] };
}

describe("the routes of the server", () => {
  it("that change something are all in its document, and those that it leaves out are known", async () => {
    expect(mutating.length).toBeGreaterThan(8);
    const left = undocumented(await documentOf(guarded.url));
    expect(left).toEqual(LEFT_OUT);
  });
});

describe("every route that changes something", () => {
  it("is taken from somebody who may, on a page of the server and with a token", PATIENCE, async () => {
    for (const as of [guarded.as("ann"), await guarded.browser()])
      for (const one of closed) {
        const answer = await guarded.send(await guarded.requestFor(one), as);
        // ann started the run herself.
        const isOwn = one.name.endsWith("kind=approve") && answer.code === "APPROVAL_REFUSED";
        expect([one.name, answer.status, answer.message, isOwn || isLetThrough(answer)]).toEqual([
          one.name,
          answer.status,
          answer.message,
          true,
        ]);
      }
  });

  it("is refused to nobody", PATIENCE, async () => {
    const own = { origin: guarded.url, "sec-fetch-site": "same-origin" };
    const found = await refusals(closed, (request) => guarded.send(request, own));
    expect(found).toEqual(every(closed, "401 IDENTITY_REFUSED"));
  });

  it.each([
    ["another site's page", { origin: "http://evil.example", "sec-fetch-site": "cross-site" }],
    [
      "another site's page in a browser that says where from alone",
      { origin: "http://evil.example", "sec-fetch-site": "" },
    ],
    ["a page of a neighbouring port", { origin: "http://127.0.0.1:1", "sec-fetch-site": "same-site" }],
    ["a page without an origin", { origin: "null", "sec-fetch-site": "" }],
    ["a link or the address bar", { origin: "", "sec-fetch-site": "none" }],
    ["a browser that says nothing", { origin: "", "sec-fetch-site": "" }],
    [
      "another site whose origin begins with ours",
      { origin: "http://127.0.0.1.evil.example", "sec-fetch-site": "" },
    ],
    [
      "a foreign origin that claims to be the same",
      { origin: "http://evil.example", "sec-fetch-site": "same-origin" },
    ],
  ])("is refused to %s that has a good cookie", PATIENCE, async (_, headers) => {
    const browser = await guarded.browser();
    const found = await refusals(mutating, (request) => guarded.send(request, { ...browser, ...headers }));
    expect(found).toEqual(every(mutating, "403 ORIGIN_REFUSED"));
  });

  it("is refused under another name of the machine, also with a token", PATIENCE, async () => {
    const { port } = new URL(guarded.url);
    for (const host of [
      `evil.example:${port}`,
      "127.0.0.1",
      `127.0.0.1.evil.example:${port}`,
      `0x7f.1:${port}`,
    ]) {
      const found = await refusals(mutating, (request) =>
        guarded.send(request, {
          ...guarded.as("ann"),
          host,
          origin: `http://${host}`,
          "sec-fetch-site": "same-origin",
        }),
      );
      expect(found).toEqual(every(mutating, "403 ORIGIN_REFUSED"));
    }
  });

  it.each(["GET", "HEAD"])(
    "changes nothing by %s, whatever the request says of its method",
    PATIENCE,
    async (method) => {
      const browser = await guarded.browser();
      const { answers, changed } = await refusals(mutating, ({ path, headers }, one) => {
        const overrides = {
          "x-http-method-override": one.method,
          "x-method-override": one.method,
          "x-http-method": one.method,
        };
        return guarded.send({ method, path, headers }, { ...browser, ...overrides, "content-type": "" });
      });
      expect(changed).toEqual([]);
      for (const { name, template } of mutating) {
        const isRead = all.some((one) => one.method === "GET" && one.template === template);
        expect([name, answers[name]]).toEqual([
          name,
          expect.stringMatching(isRead ? /^(200|404) / : /^404 /),
        ]);
      }
    },
  );

  it("is refused with a session or a token that is not good any more", PATIENCE, async () => {
    const { project, tminus, ann } = guarded;
    const secretOf = ({ cookie }: Record<string, string>): string => cookie!.split("=")[1]!;
    const session = async (sql: string): Promise<Record<string, string>> => {
      const browser = await guarded.browser();
      await project.query(
        `update tminus.web_session set ${sql} where sha256 = encode(sha256('${secretOf(browser)}'), 'hex')`,
        project.stateUrl,
      );
      return browser;
    };
    const token = async (sql?: string): Promise<Record<string, string>> => {
      const made = {
        name: "gone",
        owner: "ann",
        kind: "human",
        roles: [...ann.roles],
        validMs: 3_600_000,
      } as const;
      const { token: row, secret } = await tminus.people.createToken({ ...made, roles: [...ann.roles] }, ann);
      if (sql === undefined) await tminus.people.revokeToken(row.id, ann);
      else await project.query(`update tminus.api_token set ${sql} where id = '${row.id}'`, project.stateUrl);
      return { authorization: `Bearer ${secret.reveal()}` };
    };
    const signedOut = await guarded.browser();
    const out = await guarded.send({ method: "DELETE", path: "/api/session", headers: {} }, signedOut);
    expect(out.status).toBe(200);
    const gone = {
      "a session that has expired": await session("expires_at = clock_timestamp() - interval '1 second'"),
      "a session that was not used for long": await session(
        "last_used_at = clock_timestamp() - interval '13 hours'",
      ),
      "a session that was opened by a former password": await session("password_sha256 = 'former'"),
      "a session that was signed out": signedOut,
      "a session that never was": { ...signedOut, cookie: `__Host-tminus=${"0".repeat(52)}` },
      "a revoked token": await token(),
      "an expired token": await token("expires_at = clock_timestamp() - interval '1 second'"),
      "a token with another secret": {
        authorization: `${guarded.as("ann").authorization!.slice(0, -4)}0000`,
      },
      "a good cookie beside a token that is not": {
        ...(await guarded.browser()),
        authorization: "Bearer tminus_x",
      },
      "another kind of authorization": { authorization: "Basic YW5uOmNvcnJlY3QgaG9yc2UgYmF0dGVyeQ==" },
    };
    for (const [what, headers] of Object.entries(gone)) {
      const found = await refusals(closed, (request) => guarded.send(request, headers));
      expect([what, found]).toEqual([what, every(closed, "401 IDENTITY_REFUSED")]);
    }
  });

  it(
    "is refused to whoever has not the role, with the reason; who has it is looked at",
    PATIENCE,
    async () => {
      const lines: string[] = [];
      for (const one of closed) {
        const may: string[] = [];
        for (const who of ["viewer", "operator", "approver", "admin", "agent"]) {
          const request = await guarded.requestFor(one);
          const before = await state.mark();
          const answer = await guarded.send(request, guarded.as(who));
          if (isLetThrough(answer)) {
            may.push(who);
            continue;
          }
          const { status, code, message } = answer;
          const changed = changedBetween(before, await state.mark());
          expect({ name: one.name, who, status, code, message, changed }).toEqual({
            name: one.name,
            who,
            status: 403,
            code: expect.toBeOneOf(["PERMISSION_REFUSED", "APPROVAL_REFUSED"]),
            message: expect.stringMatching(
              /^(\w+-1 is not an? \w|ann acts through an agent|[\w-]+ may not (change that|declare an emergency): \w|the approval of \w+ would not count)/,
            ),
            changed: [],
          });
        }
        lines.push(`${one.name}: ${may.join(", ")}\n`);
        expect([one.name, may]).not.toEqual([one.name, expect.arrayContaining(["viewer"])]);
      }
      await expect(lines.join("")).toMatchFileSnapshot("goldens/who-may.txt");
    },
  );

  it.each([
    ["no key", ""],
    ["a short key", "1234567"],
    ["a key that is too long", "k".repeat(201)],
    ["a key with a space", "one two three"],
    ["a key with a tab", "one\ttwo-three"],
    ["a key that is not ASCII", "schl\u00fcssel-schl"],
  ])("is refused with %s", PATIENCE, async (_, key) => {
    const found = await refusals(closed, (request) =>
      guarded.send(request, { ...guarded.as("ann"), [KEY]: key }),
    );
    expect(found).toEqual(every(closed, "400 USAGE_INVALID"));
  });

  it("is refused with a body of another kind than it takes", PATIENCE, async () => {
    const withBody = closed.filter(({ body }) => body !== undefined);
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "text/yaml", ""]) {
      const found = await refusals(withBody, (request) =>
        guarded.send(request, { ...guarded.as("ann"), "content-type": type }),
      );
      expect([type, found]).toEqual([type, every(withBody, "400 USAGE_INVALID")]);
    }
  });
});

describe("every route that reads", () => {
  it("changes nothing, and shows nothing to nobody", PATIENCE, async () => {
    // The stream of events does not end; to nobody it says what the others say.
    const reads = all.filter((one) => !changes(one) && one.template !== "/api/events");
    const { answers, changed } = await refusals(reads, (request) => guarded.send(request, guarded.as("ann")));
    expect(changed).toEqual([]);
    for (const [name, answer] of Object.entries(answers))
      expect([name, answer]).toEqual([name, expect.stringMatching(/^(200 |404 RESOURCE_UNKNOWN)$/)]);
    const asking = all.filter((one) => !changes(one) && one.name !== "GET /api/session");
    const nobody = await refusals(asking, (request) => guarded.send(request));
    expect(nobody).toEqual(every(asking, "401 IDENTITY_REFUSED"));
  });
});
