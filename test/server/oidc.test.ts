import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { effectStep, stage } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";
import { ApiClient } from "./support/api-client.ts";
import { Browser, type Page } from "./support/plain-browser.ts";
import { startServer, type RunningServer } from "./support/running-server.ts";

const CLIENT = { client_id: "tminus", client_secret: "a-secret-of-the-client-that-is-long" };
/** As the provider knows them, by what they sign in with. */
const PEOPLE: Record<string, { email: string; email_verified: boolean }> = {
  ann: { email: "Ann@Example.com", email_verified: true },
  eve: { email: "ann@example.com", email_verified: false },
  tom: { email: "tom@example.com", email_verified: true },
};

let http: Server;
let issuer: string;
let project: ReleaseProject;
let server: RunningServer;

beforeAll(async () => {
  project = await ReleaseProject.create({ stages: stage("go", effectStep("a")) });
  const tminus = await project.open();
  const ann = { name: "ann", emails: ["ann@example.com"], roles: ["operator" as const] };
  await tminus.people.addUser(ann, {}, await tminus.identify({ by: "name", name: "ann" }));
  await tminus.close();
  http = createServer();
  await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
  issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  server = await startServer(project, ["--role", "web", "--oidc-issuer", issuer, "--oidc-client", "tminus"], {
    TMINUS_OIDC_CLIENT_SECRET: CLIENT.client_secret,
  });
  const provider = new Provider(issuer, {
    clients: [{ ...CLIENT, redirect_uris: [`${server.url}/api/login/oidc/callback`] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) }),
    ttl: { AccessToken: 600, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    pkce: { required: () => true },
  });
  http.on("request", provider.callback());
}, 60_000);
afterAll(async () => {
  await server.stop();
  await new Promise<void>((done) => {
    http.closeAllConnections();
    http.close(() => done());
  });
  await project.close();
});

/** Through the provider's own pages. */
async function signIn(browser: Browser, name: string): Promise<Page> {
  let page = await browser.open(`${server.url}/api/login/oidc`);
  for (let forms = 0; page.body.includes("<form"); forms++) {
    expect(forms).toBeLessThan(4);
    page = await browser.submit(page, { login: name, password: "any" });
  }
  return page;
}

describe("signing in by an identity provider", () => {
  it("makes the user of the verified e-mail signed in, whose events say by whom", async () => {
    const browser = new Browser();
    await signIn(browser, "ann");
    const cookie = browser.cookieOf(server.url);
    const { body } = await new ApiClient(server.url).get("/api/session", { cookie });
    expect(body).toMatchObject({
      oidc: `${issuer}/`,
      who: { name: "ann", checked: "oidc", roles: ["operator", "admin"] },
    });
  });

  it("is refused to people whom nobody added, and with an e-mail that was not verified", async () => {
    for (const [name, why] of [
      ["tom", "nobody with this e-mail may sign in"],
      ["eve", "has not verified an e-mail"],
    ] as const) {
      const browser = new Browser();
      const page = await signIn(browser, name);
      // A person comes back to the console; the log of the server says why.
      expect(page.url).toBe(`${server.url}/?refused=IDENTITY_REFUSED`);
      const cookie = browser.cookieOf(server.url);
      expect((await new ApiClient(server.url).get("/api/session", { cookie })).body.who).toBeNull();
      await server.command.until(new RegExp(`nobody was signed in by .*${why}`));
    }
  });

  it("is refused to a browser that did not begin it, and to an answer that was not asked for", async () => {
    const answer = `${server.url}/api/login/oidc/callback?code=x&state=y`;
    const refused = `${server.url}/?refused=IDENTITY_REFUSED`;
    expect((await new Browser().open(answer)).url).toBe(refused);
    const browser = new Browser();
    await browser.open(`${server.url}/api/login/oidc`, { follow: false });
    expect((await browser.open(answer)).url).toBe(refused);
    expect(browser.cookieOf(server.url)).not.toContain("__Host-tminus=");
  });
});
