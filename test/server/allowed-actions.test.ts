import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GuardedServer } from "./support/guarded-server.ts";
import { isLetThrough } from "./support/let-through.ts";
import { casesOf, type Case } from "./support/operations.ts";
import { rawRequest, type RawAnswer } from "./support/raw-request.ts";

interface Told {
  allowedActions: { action: string; isAllowed: boolean; reason?: string; consequence: string }[];
}
type Body = Record<string, Told[]> & Told;

const PRODUCTION = "/api/environments/production";
/** What carries an action out, the resource that tells of it, and the action. */
const told: [name: string, path: string, resource: (body: Body) => Told, action: string][] = [
  ["POST /api/freezes", PRODUCTION, (body) => body, "freeze"],
  ["POST /api/overrides", PRODUCTION, (body) => body, "override"],
  ["POST /api/emergencies", PRODUCTION, (body) => body, "declare-emergency"],
  ["DELETE /api/freezes/{name}", "/api/freezes", ({ freezes }) => freezes![0]!, "thaw"],
  ["POST /api/tasks/{name}/close", "/api/tasks", ({ tasks }) => tasks!.at(-1)!, "close"],
  ["DELETE /api/overrides/{environment}/{gate}", "/api/overrides", ({ overrides }) => overrides![0]!, "end"],
  ["DELETE /api/emergencies/{environment}", "/api/emergencies", ({ emergencies }) => emergencies![0]!, "end"],
  ["POST /api/users", "/api/session", (body) => body, "add-user"],
  ["POST /api/tokens", "/api/session", (body) => body, "create-token"],
];

let guarded: GuardedServer;
beforeAll(async () => {
  guarded = await GuardedServer.start();
}, 120_000);
afterAll(() => guarded.close(), 60_000);

function operation(name: string): Case {
  return casesOf(guarded.document).find((one) => one.name === name)!;
}

async function read(who: string, path: string): Promise<Body> {
  return JSON.parse((await rawRequest(guarded.url, { path, headers: guarded.as(who) })).text) as Body;
}

describe("what a resource says may be done with it", { timeout: 120_000 }, () => {
  it("is, of a task, for its owner alone where the runbook names one", async () => {
    const { path } = await guarded.requestFor(operation("GET /api/runs/{id}"));
    const run = path.split("/").at(-1)!;
    await guarded.project.query(
      `select tminus.open_follow_up('crash', 'production', '${run}', 'look', 'ann', clock_timestamp(), 'owned')`,
      guarded.project.stateUrl,
    );
    const task = async (who: string) =>
      (await read(who, "/api/tasks")).tasks!.find((one) => "origin" in one && one.origin === "owned")!;
    expect((await task("operator")).allowedActions).toMatchObject([
      { action: "close", isAllowed: false, reason: "it is for ann to close" },
    ]);
    expect((await task("ann")).allowedActions).toMatchObject([{ action: "close", isAllowed: true }]);
  });

  const WANTED = { environment: "production", release: "v1" };
  type Made = Told & { plan: object };
  async function post(name: string, body: object, who: string): Promise<RawAnswer> {
    const request = await guarded.requestFor(operation(name));
    return guarded.send({ ...request, body: JSON.stringify(body) }, guarded.as(who));
  }

  it("is, of a plan that rests on an emergency, to be started by another than who declared that", async () => {
    await guarded.tminus.declareEmergency(
      { environment: "production", reason: "a test", forMs: 60_000 },
      guarded.ann,
    );
    for (const who of ["ann", "operator"]) {
      const made = await post("POST /api/plans", { ...WANTED, inEmergency: true }, who);
      const { plan, allowedActions } = JSON.parse(made.text) as Made;
      const started = await post("POST /api/runs", { plan }, who);
      expect([who, allowedActions[0], isLetThrough(started)]).toEqual([
        who,
        expect.objectContaining(
          who === "ann"
            ? { isAllowed: false, reason: expect.stringContaining("ann declared emergency") }
            : { isAllowed: true },
        ),
        who !== "ann",
      ]);
    }
    await guarded.tminus.endEmergencies("production", guarded.ann);
  });

  it("is, of an environment whose window is closed, to be deployed to by a run that waits", async () => {
    const words = { environment: "production", reason: "a fair", until: "1h" };
    const freeze = await guarded.tminus.freeze(words, guarded.ann);
    const found = (await read("operator", PRODUCTION)).allowedActions.find(
      ({ action }) => action === "deploy",
    );
    expect(found).toMatchObject({
      isAllowed: true,
      consequence: expect.stringMatching(/, when it is open again: it is closed: freeze f\d+ \(a fair/),
    });
    const made = await post("POST /api/plans", WANTED, "operator");
    const { plan, allowedActions } = JSON.parse(made.text) as Made;
    expect(allowedActions).toMatchObject([{ action: "start", isAllowed: true }]);
    const started = await post("POST /api/runs", { plan, waitForWindow: true }, "operator");
    expect(started.status).toBe(201);
    await guarded.tminus.thaw(freeze, "over", guarded.ann);
  });

  it("is, of a plan for a time at which the window is closed, not to be started, waiting neither", async () => {
    const words = { environment: "production", reason: "a fair", from: "1h", until: "3h" };
    const freeze = await guarded.tminus.freeze(words, guarded.ann);
    const made = await post("POST /api/plans", { ...WANTED, at: "2h" }, "operator");
    const { plan, allowedActions } = JSON.parse(made.text) as Made;
    expect(allowedActions).toMatchObject([
      {
        action: "start",
        isAllowed: false,
        reason: expect.stringMatching(/^at T-0, \S+, production is closed: freeze f/),
      },
    ]);
    for (const waitForWindow of [true, false]) {
      const started = await post("POST /api/runs", { plan, waitForWindow }, "operator");
      expect([started.code, started.message]).toEqual([
        "WINDOW_CLOSED",
        expect.stringMatching(/^at T-0, \S+, production is closed: freeze f/),
      ]);
    }
    await guarded.tminus.thaw(freeze, "over", guarded.ann);
  });

  it("is nothing for somebody without a role", async () => {
    const nobody = { name: "nobody", emails: [], roles: [] };
    const { token } = await guarded.tminus.people.addUser(nobody, { token: true }, guarded.ann);
    const headers = { authorization: `Bearer ${token!.secret.reveal()}` };
    const session = await rawRequest(guarded.url, { path: "/api/session", headers });
    const { allowedActions } = JSON.parse(session.text) as Told;
    expect(allowedActions.map(({ action, isAllowed }) => [action, isAllowed])).toEqual([
      ["add-user", false],
      ["create-token", false],
    ]);
    const request = await guarded.requestFor(operation("POST /api/tokens"));
    expect((await guarded.send(request, headers)).code).toBe("PERMISSION_REFUSED");
  });

  it("is, of a plan that is blocked, why it cannot be started, and of one that is not, that it can", async () => {
    const plan = async () => {
      const request = await guarded.requestFor(operation("POST /api/plans"));
      const body = JSON.stringify({ environment: "production", release: "v1" });
      const { text } = await guarded.send({ ...request, body }, guarded.as("operator"));
      return JSON.parse(text) as Told & { blocked: { reason: string }[] };
    };
    const good = await plan();
    expect(good.allowedActions).toMatchObject([{ action: "start", isAllowed: true }]);
    await guarded.project.query(
      `insert into tminus.environment_lock (project, environment, run_id, release, reason, had_traffic)
       select project, environment, id, 'v0', 'it failed', true from tminus.run limit 1`,
      guarded.project.stateUrl,
    );
    const bad = await plan();
    expect(bad.allowedActions).toMatchObject([
      { action: "start", isAllowed: false, reason: bad.blocked[0]!.reason },
    ]);
  });

  it.each(told)("is what the server takes: %s", async (name, path, resource, action) => {
    for (const who of ["viewer", "operator", "approver", "admin", "agent"]) {
      // Each request takes away what it names.
      const word = { environment: "production", reason: "a test", forMs: 60_000 };
      await guarded.tminus.override({ ...word, gate: "tests" }, guarded.ann);
      await guarded.tminus.declareEmergency(word, guarded.ann);
      const request = await guarded.requestFor(operation(name));
      // With nobody's roles but its own: which ones it may pass on is another question.
      const body =
        action === "create-token"
          ? JSON.stringify({ ...(JSON.parse(request.body!) as object), roles: [], owner: undefined })
          : request.body;
      const found = resource(await read(who, path)).allowedActions.find((may) => may.action === action)!;
      const answer = await guarded.send(
        { ...request, ...(body === undefined ? {} : { body }) },
        guarded.as(who),
      );
      expect([who, found.isAllowed, found.reason ?? ""]).toEqual([
        who,
        isLetThrough(answer),
        found.isAllowed
          ? ""
          : expect.stringMatching(
              /^(\w+-1 is not an? \w|ann acts through an agent$|[\w-]+ may not declare an emergency: \w)/,
            ),
      ]);
    }
  });
});
