import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunResource, RunSummary } from "../../src/server/contract/run.ts";
import { Secret } from "../../src/lib/redact.ts";
import { effectStep, RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { eventually } from "../support/processes.ts";
import { ReleaseProject } from "../support/release-project.ts";
import { ApiClient } from "./support/api-client.ts";
import { followEvents } from "./support/event-stream.ts";
import { startServer, type RunningServer } from "./support/running-server.ts";

const PASSWORD = "correct horse battery";

let project: ReleaseProject;
let server: RunningServer;
let admin: ApiClient;
/** By role: somebody with that role alone. */
const people = new Map<string, ApiClient>();

beforeAll(async () => {
  const sure = "      - { id: sure, kind: approve, with: { not: [starter], authors: unknown-allowed } }\n";
  project = await ReleaseProject.create({
    protected: true,
    stages: stage("go", sure + RELEASE_STEPS + effectStep("a", "a-@run")),
  });
  server = await startServer(project);
  admin = new ApiClient(server.url);
}, 120_000);
afterAll(async () => {
  await server.stop();
  await project.close();
});

function of(role: string): ApiClient {
  return people.get(role)!;
}

describe("the set-up link", () => {
  it("makes the first user, an admin, once, and signs them in with a cookie that no script can read", async () => {
    expect((await admin.get("/api/session")).body).toMatchObject({ who: null, isSetUp: false });
    const ann = { name: "ann", email: "ann@example.com", password: PASSWORD };
    const wrong = await admin.post("/api/setup", { ...ann, code: "0".repeat(40) });
    expect([wrong.status, wrong.body.error.code]).toEqual([401, "IDENTITY_REFUSED"]);
    const made = await admin.post("/api/setup", { ...ann, code: server.setUpCode });
    expect(made.body).toMatchObject({ who: { name: "ann", roles: expect.arrayContaining(["admin"]) } });
    const [cookie] = made.headers.getSetCookie();
    expect(cookie).toMatch(/^__Host-tminus=\w{52}; .*Path=\/.*HttpOnly.*Secure.*SameSite=Strict/);
    const again = await new ApiClient(server.url).post("/api/setup", { ...ann, code: server.setUpCode });
    expect([again.status, again.body.error.code]).toEqual([403, "PERMISSION_REFUSED"]);
  });
});

describe("signing in", () => {
  it("takes the password, tells nobody what was wrong, and ends by signing out", async () => {
    const browser = new ApiClient(server.url);
    const refused = await browser.post("/api/session", { name: "ann", password: "wrong horse" });
    const unknown = await browser.post("/api/session", { name: "nobody", password: "wrong horse" });
    expect([refused.status, unknown.status]).toEqual([401, 401]);
    expect(refused.body.error.message).toBe(unknown.body.error.message);
    expect((await browser.post("/api/session", { name: "Ann", password: PASSWORD })).body.who.name).toBe(
      "ann",
    );
    expect((await browser.get("/api/runs")).status).toBe(200);
    const { cookie } = browser;
    expect((await browser.send("DELETE", "/api/session", undefined)).body.who).toBeNull();
    expect((await new ApiClient(server.url).get("/api/runs", { cookie })).status).toBe(401);
  });

  it("is tried five times within 15 minutes by one address", async () => {
    const codes: string[] = [];
    for (let attempt = 1; attempt <= 6; attempt++) {
      // Another name each time: of one name the state itself counts the attempts.
      const login = { name: `x${attempt}`, password: "y" };
      const { body, headers } = await new ApiClient(server.url).post("/api/session", login);
      codes.push(body.error.code);
      if (attempt === 6) expect(Number(headers.get("retry-after"))).toBeGreaterThan(800);
    }
    expect(codes).toEqual([...Array<string>(5).fill("IDENTITY_REFUSED"), "RATE_LIMITED"]);
  });
});

describe("tokens", () => {
  it("carry the roles of who may do what", async () => {
    const tminus = await project.open();
    const ann = await tminus.identify({
      by: "password",
      name: "ann",
      password: new Secret(PASSWORD, "test"),
    });
    for (const role of ["viewer", "operator", "approver"] as const) {
      const user = { name: `${role}-1`, emails: [`${role}@example.com`], roles: [role] };
      const { token } = await tminus.people.addUser(user, { token: true }, ann);
      people.set(role, new ApiClient(server.url, token!.secret.reveal()));
    }
    await tminus.close();
    expect((await of("viewer").get("/api/session")).body.who).toMatchObject({
      name: "viewer-1",
      checked: "token",
    });
    const bad = await new ApiClient(server.url, `tminus_abcdefgh_${"0".repeat(40)}`).get("/api/runs");
    expect([bad.status, bad.body.error.code]).toEqual([401, "IDENTITY_REFUSED"]);
  });
});

describe("requests that change something", () => {
  it("are not read to their end when they are large, least of all from somebody unknown", async () => {
    const padded = { name: "ann", password: "x".repeat(20_000) };
    const login = await new ApiClient(server.url).post("/api/session", padded);
    expect([login.status, login.body.error.message]).toEqual([
      400,
      expect.stringContaining("larger than 16384"),
    ]);
    const plan = { environment: "production", release: "v1", padding: "x".repeat(17 * 1024 * 1024) };
    const large = await of("operator").post("/api/plans", plan);
    expect([large.status, large.body.error.message]).toEqual([
      400,
      expect.stringContaining("larger than 16777216"),
    ]);
  });

  it("are refused when another site's page sends them, and under a foreign name", async () => {
    const body = { environment: "production", release: "v1" };
    const foreign = await admin.post("/api/plans", body, {
      origin: "http://evil.example",
      "sec-fetch-site": "cross-site",
    });
    const sameSite = await admin.post("/api/plans", body, { "sec-fetch-site": "same-site" });
    const silent = await admin.post("/api/plans", body, { origin: "", "sec-fetch-site": "" });
    for (const { status, body: answer } of [foreign, sameSite, silent])
      expect([status, answer.error.code]).toEqual([403, "ORIGIN_REFUSED"]);
  });

  it("are refused to those whose roles are not enough, with the reason", async () => {
    const body = { environment: "production", release: "v1" };
    const refused = await of("viewer").post("/api/plans", body);
    expect([refused.status, refused.body.error.message]).toEqual([403, "viewer-1 is not an operator"]);
    const nobody = await new ApiClient(server.url).post("/api/plans", body);
    expect([nobody.status, nobody.body.error.code]).toEqual([401, "IDENTITY_REFUSED"]);
    expect((await of("operator").get("/api/users")).status).toBe(403);
  });

  it("need a key, are carried out once with it, and say so when it was another request's", async () => {
    const until = { environment: "production", reason: "a holiday", until: "1h" };
    const missing = await of("operator").post("/api/freezes", until, { "idempotency-key": "" });
    expect(missing.body.error.message).toContain("Idempotency-Key");
    const key = { "idempotency-key": randomUUID() };
    const first = await of("operator").post("/api/freezes", until, key);
    const second = await of("operator").post("/api/freezes", until, key);
    expect([first.status, second.status, second.headers.get("idempotency-replayed")]).toEqual([
      201,
      201,
      "true",
    ]);
    expect(second.body).toEqual(first.body);
    const { freezes } = (await of("operator").get("/api/environments/production/windows")).body;
    expect(freezes).toEqual([first.body]);
    const other = await of("operator").post("/api/freezes", { ...until, reason: "another" }, key);
    expect([other.status, other.body.error.code]).toEqual([422, "REQUEST_REPEATED"]);
    const lifted = await of("operator").send(
      "DELETE",
      `/api/freezes/${first.body.name}`,
      { reason: "over" },
      {
        "idempotency-key": randomUUID(),
      },
    );
    expect(lifted.status).toBe(200);
  });

  it("are not said to be allowed where the runbook plans for no emergency", async () => {
    const { body } = await of("approver").get("/api/environments/production");
    const { allowedActions } = body as { allowedActions: { action: string }[] };
    const why = "the runbook does not say what is kept of it in an emergency";
    expect(allowedActions.find(({ action }) => action === "declare-emergency")).toMatchObject({
      isAllowed: false,
      reason: why,
    });
    const word = { environment: "production", reason: "a test", forMs: 60_000 };
    const refused = await of("approver").post("/api/emergencies", word);
    expect([refused.status, refused.body.error.message]).toEqual([400, why]);
  });

  it("say what does not fit and where", async () => {
    const { status, body } = await of("operator").post("/api/plans", { environment: "production" });
    expect([status, body.error.code]).toEqual([400, "USAGE_INVALID"]);
    expect(body.error.message).toContain("json.release");
  });
});

describe("a release through the API", () => {
  it("is planned, started, approved by a second person, and followed event by event", async () => {
    const { body: made } = await of("operator").post("/api/plans", {
      environment: "production",
      release: "v1",
    });
    expect(made.blocked).toEqual([]);
    const { body: run } = await of("operator").post<RunSummary>("/api/runs", { plan: made.plan });
    const stream = await followEvents(of("viewer"));
    const read = async (who: ApiClient): Promise<RunResource> => (await who.get(`/api/runs/${run.id}`)).body;
    await eventually(
      "it waits for an approval",
      async () => (await read(admin)).waitingFor?.for === "approval",
    );

    const metrics = async (): Promise<string> => (await of("viewer").get("/metrics")).body;
    expect(await metrics()).toContain(
      'tminus_runs{environment="production",state="waiting",project="crash"} 1',
    );
    expect(await metrics()).not.toContain("tminus_last_run_succeeded{");

    const may = async (who: ApiClient, action: string) =>
      (await read(who)).allowedActions.find((one) => one.action === action);
    expect(await may(of("operator"), "approve")).toMatchObject({
      isAllowed: false,
      reason: "operator-1 is not an approver",
    });
    expect(await may(of("approver"), "approve")).toMatchObject({ isAllowed: true });
    expect(await may(of("operator"), "resolve")).toMatchObject({
      isAllowed: false,
      reason: expect.stringContaining("does not wait"),
    });
    expect(await may(of("viewer"), "abort")).toMatchObject({ isAllowed: false });

    const approval = { kind: "approve", stepId: "sure", planHash: made.plan.hash, note: "read it" };
    expect((await of("operator").post(`/api/runs/${run.id}/signals`, approval)).status).toBe(403);
    expect((await of("approver").post(`/api/runs/${run.id}/signals`, approval)).status).toBe(202);
    await eventually("it succeeded", async () => (await read(admin)).outcome === "succeeded", 60_000);

    const { events } = (await of("viewer").get(`/api/runs/${run.id}/events`)).body;
    await eventually("all is heard of", () => stream.events().at(-1)?.sequence === events.at(-1).sequence);
    const ids = stream.ids();
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    const middle = ids[Math.floor(ids.length / 2)]!;
    stream.end();
    const again = await followEvents(of("viewer"), middle);
    await eventually(
      "the rest is there again",
      () => again.events().at(-1)?.sequence === events.at(-1).sequence,
    );
    again.end();

    expect((await of("viewer").get(`/api/runs/${run.id}/log`)).body).toContain("approver-1");
    const environments = (await of("viewer").get("/api/environments")).body.environments;
    expect(environments[0]).toMatchObject({ name: "production", last: { id: run.id, outcome: "succeeded" } });
    expect((await of("viewer").get("/api/insights")).body.changeFailurePercent).toEqual({
      value: 0,
      runs: [],
    });
    expect((await of("viewer").get("/api/audit")).body).toMatchObject({ verdict: "sound", problems: [] });
    expect((await of("viewer").get("/metrics")).body).toContain(
      'tminus_last_run_succeeded{environment="production"',
    );
  });

  it("is found again by what it is like, and what it is not like does not find it", async () => {
    const list = async (query: string): Promise<string[]> =>
      (await of("viewer").get(`/api/runs?${query}`)).body.runs.map((run: RunSummary) => run.release);
    expect(await list("search=v1+operator&outcome=succeeded&state=ended")).toEqual(["v1"]);
    expect(await list("state=active")).toEqual([]);
    expect(await list("search=v2")).toEqual([]);
    const { runs, hasOlder } = (await of("viewer").get("/api/runs?limit=1")).body;
    expect([runs.length, hasOlder, await list(`before=${runs[0].id}`)]).toEqual([1, false, []]);
    for (const query of ["outcome=good", "state=asleep", `search=${"v".repeat(201)}`, "limit=0"])
      expect((await of("viewer").get(`/api/runs?${query}`)).status).toBe(400);
    const unknown = await of("viewer").get("/api/runs?before=rnothing");
    expect(unknown.body.error.code).toBe("RUN_UNKNOWN");
  });

  it("is not followed any longer by somebody who may not look any more", { timeout: 40_000 }, async () => {
    const tminus = await project.open();
    const ann = await tminus.identify({
      by: "password",
      name: "ann",
      password: new Secret(PASSWORD, "test"),
    });
    const guest = { name: "guest", emails: [], roles: ["viewer" as const] };
    const { token } = await tminus.people.addUser(guest, { token: true }, ann);
    const stream = await followEvents(new ApiClient(server.url, token!.secret.reveal()));
    await tminus.people.changeUser("guest", { disabled: true }, ann);
    await tminus.close();
    await eventually("the stream ends", () => stream.isOver(), 30_000);
  });

  it("is not started when its plan was changed", async () => {
    const { body: made } = await of("operator").post("/api/plans", {
      environment: "production",
      release: "v2",
    });
    const edited = { ...made.plan, release: "v3" };
    const refused = await of("operator").post("/api/runs", { plan: edited });
    expect(refused.body.error.code).toBe("PLAN_UNREADABLE");
  });
});

describe("what anybody can ask", () => {
  it("is whether it is alive and ready; everything else has strict headers", async () => {
    const nobody = new ApiClient(server.url);
    expect((await nobody.get("/healthz")).body).toBe("alive\n");
    expect((await nobody.get("/readyz")).body).toBe("ready\n");
    const { headers } = await nobody.get("/api/session");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("cache-control")).toBe("no-store");
    expect((await nobody.get("/metrics")).status).toBe(401);
    expect((await nobody.get("/nothing")).body.error.code).toBe("RESOURCE_UNKNOWN");
  });
});
