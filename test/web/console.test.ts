import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { axeViolations } from "./support/axe.ts";
import { ConsoleProject } from "./support/console-project.ts";
import { PAGES } from "./support/pages.ts";

const ROOM = { timeout: 240_000 };

let site: ConsoleProject;

beforeAll(async () => {
  site = await ConsoleProject.open();
}, 180_000);
afterAll(() => site.close(), 60_000);

describe("the console", ROOM, () => {
  it("takes two people through a release that is approved, watched, and rolled back by itself", async () => {
    const ann = await (await site.context({ viewport: { width: 1280, height: 900 } })).newPage();
    const problems = problemsOf(ann);
    await site.setUp(ann);
    await site.addUser("ben", ["approver"]);

    await ann.getByRole("link", { name: "Plan a release" }).first().click();
    await ann.getByLabel("Release").fill("bad");
    await ann.getByRole("button", { name: "Make the plan" }).click();
    await ann.getByText("READY").waitFor();
    const gates = ann.getByRole("region", { name: "Go / no-go" });
    expect(await gates.textContent()).toContain("4 of 4 go");
    await ann.getByRole("button", { name: "Start this plan" }).click();
    await ann.getByRole("dialog").getByRole("button", { name: "Start this plan" }).click();
    await ann.waitForURL(/\/runs\/r\w+$/);
    await ann.getByRole("region", { name: "Run", exact: true }).getByText("WAITING").waitFor();
    // Traffic that comes while a plan is made is measured for it: the plan would be another one when it is started.
    site.startTraffic();

    const ben = await (await site.context({ viewport: { width: 390, height: 844 } })).newPage();
    await site.signIn(ben, "ben");
    await ben.getByRole("region", { name: "Needs somebody" }).getByRole("link").click();
    await ben.getByRole("button", { name: "Approve", exact: true }).click();
    const dialog = ben.getByRole("dialog");
    await dialog.getByText("look: Watch the canary").waitFor();
    await dialog.getByLabel("Note").fill("read it");
    await dialog.getByRole("button", { name: "Approve", exact: true }).click();
    await dialog.waitFor({ state: "detached" });

    await ann.getByRole("article", { name: "Rule errors" }).waitFor();
    await ann.getByRole("img", { name: /errors: rolls back when/ }).waitFor();
    await ann
      .getByRole("article", { name: "Rule errors" })
      .getByRole("meter", { name: "Evidence against the release" })
      .waitFor();
    await ann.getByRole("region", { name: "Run", exact: true }).getByText("ROLLED BACK").waitFor();
    const head = await ann.getByRole("region", { name: "Run", exact: true }).textContent();
    expect(head).toMatch(/rolls back at look: .*error_rate > 3%.*decided by tminus/);
    expect(head).toMatch(/verified: /);
    await ben.getByText("ROLLED BACK").first().waitFor();

    await ann.getByText(/What happened: \d+ events/).click();
    await ann.getByRole("button", { name: "Read the deploy log" }).click();
    const log = ann.getByRole("region", { name: "Deploy log" });
    expect(await log.textContent()).toMatch(/rolled.back[\s\S]*ben/i);
    expect(problems).toEqual([]);
  });

  it("is used by keyboard alone, and no single key destroys anything", async () => {
    const page = await (await site.context()).newPage();
    await site.signIn(page, "ann");
    await page.keyboard.press("g");
    await page.keyboard.press("r");
    await page.getByRole("heading", { name: "Runs", level: 1 }).waitFor();
    await page.getByRole("link", { name: /ROLLED BACK/ }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("bad");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.hasAttribute('data-row')")).toBe(true);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "production good → bad", level: 1 }).waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.locator(".step-button[aria-pressed=true]").nth(0).waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Page, environment or run" }).pressSequentially("calen");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Calendar", level: 1 }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("n");
    await page.getByRole("button", { name: "Unlock" }).waitFor();
    for (const key of "abcdefghijklmnopqrstuvwxyz") await page.keyboard.press(key);
    expect(await page.getByRole("dialog").count()).toBe(0);
  });

  it("asks for the environment's name before it unlocks", async () => {
    const page = await (await site.context()).newPage();
    await site.signIn(page, "ann");
    await page.getByRole("button", { name: "Unlock" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel(/Why/).fill("the release was bad, the service is good");
    await dialog.getByLabel(/Type/).fill("productio");
    expect(await dialog.getByRole("button", { name: "Unlock" }).isDisabled()).toBe(true);
    await dialog.getByLabel(/Type/).fill("production");
    await dialog.getByRole("button", { name: "Unlock" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Unlock" }).waitFor({ state: "detached" });
  });

  it("has nothing on any page that axe finds wrong, light or dark, wide or narrow", async () => {
    const found: string[] = [];
    for (const colorScheme of ["light", "dark"] as const) {
      const context = await site.context({ colorScheme, bypassCSP: true });
      const page = await context.newPage();
      await page.goto(site.url);
      await page.getByRole("button", { name: "Sign in" }).waitFor();
      found.push(...(await axeViolations(page)).map((line) => `sign in, ${colorScheme}: ${line}`));
      await site.signIn(page, "ann");
      const run = await page.getByRole("link", { name: /ROLLED BACK/ }).getAttribute("href");
      for (const { name, path, ready } of [...PAGES, { name: "run", path: run!, ready: "Timeline" }]) {
        await page.goto(site.url + path);
        await page.getByText(ready).first().waitFor();
        for (const width of [1280, 390]) {
          await page.setViewportSize({ width, height: 844 });
          found.push(
            ...(await axeViolations(page)).map((line) => `${name}, ${colorScheme}, ${width}: ${line}`),
          );
          const overflow = await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth",
          );
          if (overflow !== 0) found.push(`${name}, ${width}: wider than the screen by ${String(overflow)}`);
        }
      }
      await context.close();
    }
    expect(found).toEqual([]);
  });
});

/** What the browser complained about, such as what the policy refused. */
function problemsOf(page: Page): string[] {
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  return problems;
}
