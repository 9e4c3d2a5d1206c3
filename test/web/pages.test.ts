import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../src/lib/hash.ts";
import { ConsoleProject } from "./support/console-project.ts";

let site: ConsoleProject;
let page: Page;

beforeAll(async () => {
  site = await ConsoleProject.open();
  page = await (await site.context()).newPage();
  await site.setUp(page);
}, 180_000);
afterAll(() => site.close(), 60_000);

describe("the pages of the console", { timeout: 120_000 }, () => {
  it("keep deploys out by a freeze, and let them in again when it is lifted", async () => {
    await open("Calendar");
    const form = page.getByRole("region", { name: "Freeze" });
    const production = page.getByRole("region", { name: "production" });
    await production.getByText("OPEN", { exact: false }).first().waitFor();
    await form.getByLabel("Environment").selectOption("production");
    await form.getByLabel("Reason").fill("the auditors are here");
    await form.getByLabel("Until").fill("some day");
    await form.getByRole("button", { name: "Freeze" }).click();
    await form.getByRole("alert").waitFor();
    await form.getByLabel("Until").fill("4h");
    await form.getByRole("button", { name: "Freeze" }).click();
    await production.getByText("■ CLOSED").waitFor();
    await production
      .getByText(/the auditors are here/)
      .first()
      .waitFor();
    expect(await form.getByRole("alert").count()).toBe(0);
    expect(await page.getByRole("region", { name: "staging" }).getByText("■ CLOSED").count()).toBe(0);
    const calendar = await page.request.get(`${site.url}/api/calendar.ics`);
    expect(await calendar.text()).toContain("the auditors are here");

    await open("Now");
    const environment = page.getByRole("region", { name: "production" });
    await environment.getByText("■ CLOSED").waitFor();
    // A plan can be made and started: its run waits.
    await environment.getByRole("link", { name: "Plan a release" }).waitFor();
    await environment.getByText(/when it is open again: it is closed: freeze f1/).waitFor();

    await open("Calendar");
    await production.getByRole("button", { name: /^Thaw/ }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Why it may end now").fill("they have left");
    await dialog.getByRole("button", { name: "Thaw" }).click();
    await dialog.waitFor({ state: "detached" });
    await production.getByText("■ CLOSED").waitFor({ state: "detached" });
  });

  it("lead from a figure to the runs that it is made of", async () => {
    await open("Insights");
    const frequency = page.getByRole("region", { name: "Deployment frequency" });
    await frequency.getByText("2 runs").click();
    expect(await frequency.getByRole("link").count()).toBe(2);
    await page.getByLabel("Environment").selectOption("staging");
    await page.waitForURL(/environment=staging/);
    await frequency.getByText("1 run", { exact: true }).click();
    await frequency.getByRole("link").click();
    await page.getByRole("heading", { name: "staging first release good", level: 1 }).waitFor();
  });

  it("say of the database what the newest run planned for it, and lead to that run", async () => {
    await open("Database");
    const step = page
      .getByRole("region", { name: "staging", exact: true })
      .locator("div", { has: page.getByRole("heading", { name: /^Apply pending migrations/ }) });
    expect(await step.textContent()).toContain("20260101000000_first.sql");
    await step.getByRole("link").click();
    await page.getByRole("heading", { name: "staging first release good", level: 1 }).waitFor();
  });

  it("show whether everything is there, whether the history is whole, and who may do what", async () => {
    await open("Settings");
    const checks = page.getByRole("region", { name: "Checks" });
    await checks.getByText(/the shared state database answers/).waitFor();
    expect(await checks.textContent()).not.toMatch(/✗|fail/);
    await page.getByRole("region", { name: "Audit", exact: true }).getByText("SOUND").waitFor();
    const people = page
      .getByRole("region", { name: "People", exact: true })
      .getByRole("row", { name: /^ann/ });
    expect(await people.textContent()).toContain("admin, operator, approver");
  });

  it("list the runs of one environment, and open one", async () => {
    await open("Runs");
    await page.locator("[data-row]").nth(1).waitFor();
    await page.getByLabel("Environment").selectOption("staging");
    await page.waitForURL(/environment=staging/);
    await page.locator("[data-row]").nth(1).waitFor({ state: "detached" });
    await page.locator("[data-row]").click();
    await page.getByRole("heading", { name: "staging first release good", level: 1 }).waitFor();
  });

  it("move nothing by themselves", async () => {
    await page.goto(`${site.url}/`);
    await page.getByRole("heading", { name: "Now", level: 1 }).waitFor();
    const moving = await page.evaluate("document.getAnimations().length");
    expect(moving).toBe(0);
    const styles = await page.evaluate<
      string[]
    >(`[...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])
      .map((rule) => rule.cssText).filter((text) => /@keyframes|transition|animation/.test(text))`);
    expect(styles).toEqual([]);
  });

  it("take the file that an item of a checklist asks for, and the one that a task does", async () => {
    const { project } = site;
    project.use({
      stages: `  - id: go
    steps:
      - { id: list, kind: checklist, with: { items: [{ id: photo, text: The board is green, evidence: attachment }, { id: report, text: Hand in the report, due: T+1h, evidence: attachment }] } }
      - { id: deploy, kind: app.deploy }
      - { id: all, kind: app.shift, with: { percent: 100 } }
`,
    });
    const tminus = await project.open();
    try {
      const ann = await site.actor(tminus, "ann");
      const signal = new AbortController().signal;
      const wanted = { environment: "production", release: "good", purpose: "deploy", signal } as const;
      const { id } = await tminus.start(await tminus.plan({ ...wanted, progress: () => undefined }), ann);
      await page.goto(`${site.url}/runs/${id}`);
      await page.getByText("The board is green").first().waitFor();
      await page.getByRole("button", { name: "Attest photo" }).click();
      const photo = Buffer.from([0x89, 0x50, 0, 0xff]);
      await handIn("Attest", { name: "board.png", mimeType: "image/png", buffer: photo });
      await page.getByText("SUCCEEDED").first().waitFor();
      expect((await tminus.evidence(sha256(photo)))?.content).toEqual(photo);

      await open("Now");
      const close = page.getByRole("button", { name: /^Close task/ });
      await close.click();
      await page.getByRole("dialog").getByLabel("What was done").fill("it is attached");
      const report = Buffer.from("all well");
      await handIn("Close", { name: "report.txt", mimeType: "text/plain", buffer: report });
      await close.waitFor({ state: "detached" });
      expect(await tminus.followUps()).toEqual([]);
      expect((await tminus.evidence(sha256(report)))?.content).toBe("all well");
    } finally {
      await tminus.close();
    }
  });
});

/** In the dialog that is open: it is not sent without the file. */
async function handIn(verb: string, file: { name: string; mimeType: string; buffer: Buffer }): Promise<void> {
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: verb }).click();
  expect(await dialog.locator("input[name=file]:invalid").count()).toBe(1);
  await dialog.getByLabel("File").setInputFiles(file);
  await dialog.getByRole("button", { name: verb }).click();
  await dialog.waitFor({ state: "detached" });
}

async function open(name: string): Promise<void> {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name }).click();
  await page.getByRole("heading", { name, level: 1, exact: true }).waitFor();
}
