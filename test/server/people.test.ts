import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stage, RELEASE_STEPS } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";
import { ApiClient } from "./support/api-client.ts";
import { startServer, type RunningServer } from "./support/running-server.ts";

const PASSWORD = "correct horse battery";

let project: ReleaseProject;
let server: RunningServer;
let admin: ApiClient;

beforeAll(async () => {
  project = await ReleaseProject.create({ stages: stage("go", RELEASE_STEPS) });
  server = await startServer(project, ["--role", "web"]);
  admin = new ApiClient(server.url);
  const first = { name: "ann", email: "ann@example.com", password: PASSWORD, code: server.setUpCode };
  await admin.post("/api/setup", first);
}, 120_000);
afterAll(async () => {
  await server.stop();
  await project.close();
});

describe("users and tokens", { timeout: 60_000 }, () => {
  it("are changed by an admin, and one's own password by oneself", async () => {
    const ben = { name: "ben", emails: ["ben@example.com"], roles: ["operator"], password: PASSWORD };
    const added = await admin.post("/api/users", ben);
    expect([added.status, added.body.user]).toMatchObject([201, { name: "ben", hasPassword: true }]);
    const his = new ApiClient(server.url);
    await his.post("/api/session", { name: "ben", password: PASSWORD });
    const more = await his.post("/api/users/ben", { roles: ["admin"] });
    expect([more.status, more.body.error.code]).toEqual([403, "PERMISSION_REFUSED"]);
    expect((await his.post("/api/users", { ...ben, name: "eve" })).status).toBe(403);
    expect((await his.post("/api/users/ben", { password: `${PASSWORD} 2` })).status).toBe(200);
    expect((await admin.post("/api/users/ben", { roles: ["viewer"] })).body.roles).toEqual(["viewer"]);
    expect((await admin.post("/api/users/ben", { isDisabled: true })).status).toBe(200);
    const gone = await new ApiClient(server.url).post("/api/session", {
      name: "ben",
      password: `${PASSWORD} 2`,
    });
    expect(gone.status).toBe(401);
  });

  it("tell a token's secret once, and keep neither it nor a password", async () => {
    const key = { "idempotency-key": randomUUID() };
    const wanted = { name: "ci", kind: "human", roles: ["operator"], validMs: 3_600_000 };
    const made = await admin.post("/api/tokens", wanted, key);
    expect(made.body.secret).toMatch(/^tminus_/);
    const again = await admin.post("/api/tokens", wanted, key);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(again.body).toEqual({ token: made.body.token });
    const program = new ApiClient(server.url, made.body.secret);
    expect((await program.get("/api/session")).body.who).toMatchObject({ name: "ann", checked: "token" });

    const forever = await admin.post("/api/tokens", { ...wanted, validMs: 367 * 86_400_000 });
    expect([forever.status, forever.body.error.code]).toEqual([400, "USAGE_INVALID"]);

    const secret = "a password like no other";
    const withToken = { name: "kim", emails: [], roles: [], password: secret, withToken: true };
    const kim = await admin.post("/api/users", withToken);
    const state = new pg.Client({ connectionString: project.environment().TMINUS_DATABASE_URL });
    await state.connect();
    const { rows } = await state.query("select to_jsonb(r)::text as kept from tminus.api_request r");
    await state.end();
    const kept = JSON.stringify(rows);
    expect(kept).toContain(kim.body.made.token.id);
    for (const hidden of [kim.body.made.secret, made.body.secret, secret]) expect(kept).not.toContain(hidden);

    const revoked = await admin.send("DELETE", `/api/tokens/${made.body.token.id}`, undefined, {
      "idempotency-key": randomUUID(),
    });
    expect(revoked.body.revokedAt).toBeDefined();
    expect((await program.get("/api/session")).status).toBe(401);
  });

  it("are the same request with whatever password, so that none is told from what is kept", async () => {
    const key = { "idempotency-key": randomUUID() };
    const user = { name: "lou", emails: [], roles: [] };
    const first = await admin.post("/api/users", { ...user, password: PASSWORD }, key);
    const second = await admin.post("/api/users", { ...user, password: `${PASSWORD}!` }, key);
    expect([first.status, second.status, second.headers.get("idempotency-replayed")]).toEqual([
      201,
      201,
      "true",
    ]);
  });
});
