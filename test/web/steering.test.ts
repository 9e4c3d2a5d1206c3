import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Tminus } from "../../src/model/tminus.ts";
import { ConsoleProject } from "./support/console-project.ts";

/** A release that is good, and looked at for longer than anybody waits. */
const LONG_WATCH = `  - id: release
    steps:
      - { id: deploy, kind: app.deploy }
      - { id: all, kind: app.shift, with: { percent: 100 } }
      - id: look
        kind: watch
        with: { duration: 30m, every: 500ms, promote: anyone, rules: ["errors: when error_rate > 3% -> rollback"] }
`;

let site: ConsoleProject;
let page: Page;

beforeAll(async () => {
  site = await ConsoleProject.open();
  page = await (await site.context()).newPage();
  await site.setUp(page);
}, 180_000);
afterAll(() => site.close(), 60_000);

/** With the runbook as it is now. */
async function withProject<T>(work: (tminus: Tminus) => Promise<T>): Promise<T> {
  const tminus = await site.project.open();
  try {
    return await work(tminus);
  } finally {
    await tminus.close();
  }
}

async function start(stages: string): Promise<string> {
  site.project.use({ stages });
  return withProject(async (tminus) => {
    const plan = await tminus.plan({
      environment: "production",
      release: "good",
      purpose: "deploy",
      signal: new AbortController().signal,
      progress: () => undefined,
    });
    return (await tminus.start(plan, await site.actor(tminus, "ann"))).id;
  });
}

describe("steering a run in the console", { timeout: 240_000 }, () => {
  it("ends a watch before its time, with the reason, and counts anew what going back would do", async () => {
    const run = await start(LONG_WATCH);
    await page.goto(`${site.url}/runs/${run}`);
    await page
      .getByRole("region", { name: "Rolling back from here" })
      .getByText(/^as of \d\d:/)
      .waitFor();
    const counted = page.waitForResponse(/rollback-preview/, { timeout: 60_000 });
    const promote = page.getByRole("button", { name: "Promote" });
    await promote.waitFor();
    await counted;
    await promote.click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Why").fill("the graphs are flat");
    await dialog.getByRole("button", { name: "Promote" }).click();
    await page.getByText("SUCCEEDED").first().waitFor();
    expect(await page.getByRole("button", { name: "Promote" }).count()).toBe(0);
    const said = JSON.stringify(await withProject((tminus) => tminus.events(run, 0)));
    expect(said).toContain("the graphs are flat");
  });

  it("tells what was refused while it was on its way, and sends it again as the same request", async () => {
    const run = await start("  - { id: go, steps: [{ id: ask, kind: approve }] }\n");
    await page.goto(`${site.url}/runs/${run}`);
    await page.getByRole("button", { name: "Abort" }).click();
    const keys: string[] = [];
    let letGo: () => void = () => undefined;
    const isLetGo = new Promise<void>((go) => (letGo = go));
    await page.route(/\/signals$/, async (route) => {
      keys.push(route.request().headers()["idempotency-key"]!);
      if (keys.length > 1) return route.continue();
      await isLetGo;
      return route.abort();
    });
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel(/to confirm/).fill("production");
    await dialog.getByRole("button", { name: "Abort" }).click();
    await dialog.getByRole("button", { name: "Abort …" }).waitFor();
    await page.keyboard.press("Escape");
    letGo();
    await dialog.getByRole("alert").getByText("the server does not answer").waitFor();
    await dialog.getByRole("button", { name: "Abort" }).click();
    await page.getByText("STOPPED").first().waitFor();
    expect(keys).toEqual([keys[0], keys[0]]);
    await dialog.waitFor({ state: "detached" });
  });

  it("is there again when nothing of a run could be had but the run itself", async () => {
    const { id } = await withProject((tminus) => tminus.findRun(undefined));
    const past = /\/events\?after=/;
    await page.route(past, (route) => route.abort());
    await page.goto(`${site.url}/runs/${id}`);
    await page.getByRole("alert").getByText("the server does not answer").waitFor();
    await page.unroute(past);
    await site.killServer();
    await site.startServer();
    await page.getByRole("region", { name: "Timeline" }).waitFor();
  });
});

describe("the plan page", { timeout: 120_000 }, () => {
  it("says what is being looked at while the plan is made", async () => {
    const gate = `[node, -e, "setTimeout(() => {}, 3000)"]`;
    site.project.use({
      stages: "  - { id: go, steps: [{ id: ask, kind: approve }] }\n",
      gates: `  - { id: slow, title: A slow gate, kind: command, with: { run: ${gate} } }\n`,
    });
    await site.killServer();
    await site.startServer();
    await page.goto(`${site.url}/plan?environment=production&release=good`);
    await page.getByRole("button", { name: "Make the plan" }).click();
    await page
      .locator("main")
      .getByText(/slow: runs node/)
      .first()
      .waitFor();
    expect(await page.getByRole("button", { name: "Making the plan …" }).count()).toBe(1);
    await page.getByRole("region", { name: "Go / no-go" }).waitFor();
  });
});

describe("signing in", { timeout: 60_000 }, () => {
  it("leads to the identity provider where there is one, and says when it refused", async () => {
    const stranger = await (await site.context()).newPage();
    await stranger.route("**/api/session", async (route) => {
      const response = await route.fetch();
      const session = (await response.json()) as object;
      await route.fulfill({ response, json: { ...session, oidc: "https://id.example.com/" } });
    });
    await stranger.goto(`${site.url}/?refused=IDENTITY_REFUSED`);
    await stranger.getByRole("alert").getByText("IDENTITY_REFUSED").waitFor();
    const link = stranger.getByRole("link", { name: "Sign in with id.example.com" });
    expect(await link.getAttribute("href")).toBe("/api/login/oidc");
    await stranger.goto(`${site.url}/?refused=call%20555-0100`);
    await link.waitFor();
    expect(await stranger.getByRole("alert").count()).toBe(0);
    await stranger.unroute("**/api/session");
    await stranger.goto(site.url);
    await stranger.getByRole("button", { name: "Sign in" }).waitFor();
    expect(await link.count()).toBe(0);
    await stranger.context().close();
  });
});
