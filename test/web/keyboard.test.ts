import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { axeViolations } from "./support/axe.ts";
import { ConsoleProject, PASSWORD } from "./support/console-project.ts";
import { Keyboard } from "./support/keyboard.ts";

let site: ConsoleProject;

beforeAll(async () => {
  site = await ConsoleProject.open();
}, 180_000);
afterAll(() => site.close(), 60_000);

async function signIn(page: Page, name: string): Promise<Keyboard> {
  const keyboard = new Keyboard(page);
  await page.goto(site.url);
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  await keyboard.type(name);
  await keyboard.press("Tab");
  await keyboard.type(PASSWORD);
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: "Now", level: 1 }).waitFor();
  return keyboard;
}

describe("a release by keyboard alone", { timeout: 240_000 }, () => {
  it("is planned, read, approved by a second person, watched, rolled back and read of; no state of it is wrong for axe", async () => {
    const ann = await (
      await site.context({ viewport: { width: 1280, height: 900 }, bypassCSP: true })
    ).newPage();
    const found = new Findings();
    await ann.goto(site.setUpUrl);
    await ann.getByRole("button", { name: "Create the first user" }).waitFor();
    await found.look("set-up", ann);
    const first = new Keyboard(ann);
    await first.type("ann");
    await first.fill("Email, as in your commits", "ann@example.com");
    await first.press("Tab");
    await first.type(PASSWORD);
    await first.press("Enter");
    await ann.getByRole("heading", { name: "Now", level: 1 }).waitFor();
    await site.addUser("ben", ["approver"]);

    await first.press("g", "p");
    await ann.getByRole("heading", { name: "Plan", level: 1 }).waitFor();
    await first.fill("Release", "bad");
    await first.activate(ann.getByRole("button", { name: "Make the plan" }));
    await ann.getByText("READY").waitFor();
    expect(await ann.getByRole("region", { name: "Go / no-go" }).textContent()).toContain("4 of 4 go");
    await found.look("a made plan", ann);
    await first.activate(ann.getByRole("button", { name: "Start this plan" }));
    await ann.getByRole("dialog").waitFor();
    await first.activate(ann.getByRole("button", { name: "Start this plan" }));
    await ann.waitForURL(/\/runs\/r\w+$/);
    await ann.getByRole("region", { name: "Run", exact: true }).getByText("WAITING").waitFor();
    site.startTraffic();

    const ben = await (
      await site.context({ viewport: { width: 390, height: 844 }, bypassCSP: true })
    ).newPage();
    const second = await signIn(ben, "ben");
    await second.activate(ben.getByRole("link", { name: /production.*good → bad/ }));
    await ben.getByRole("button", { name: "Approve", exact: true }).waitFor();
    await found.look("a waiting run", ben);
    await second.press("a");
    await ben.getByRole("dialog").getByText("look: Watch the canary").waitFor();
    await found.look("a question", ben);
    await second.fill(/^Note/, "read it");
    await second.press("Enter");
    await ben.getByRole("dialog").waitFor({ state: "detached" });

    await ann.getByRole("img", { name: /errors: rolls back when/ }).waitFor();
    await found.look("a watched run", ann);
    await ann.getByRole("region", { name: "Run", exact: true }).getByText("ROLLED BACK").waitFor();
    expect(await ann.getByRole("region", { name: "Run", exact: true }).textContent()).toMatch(
      /rolls back at look: .*error_rate > 3%/,
    );
    await first.activate(ann.locator("summary", { hasText: "What happened" }));
    await first.activate(ann.getByRole("button", { name: "Read the deploy log" }));
    const log = ann.getByRole("region", { name: "Deploy log" });
    expect(await log.textContent()).toMatch(/rolled.back[\s\S]*ben/i);
    await found.look("the deploy log", ann);
    await first.press("Escape");
    await log.waitFor({ state: "detached" });
    await found.look("a run that was rolled back", ann);
    expect(found.lines).toEqual([]);
  });
});

/** What axe finds wrong in states that no address leads to; light and dark. */
class Findings {
  readonly lines: string[] = [];

  async look(what: string, page: Page): Promise<void> {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      this.lines.push(...(await axeViolations(page)).map((line) => `${what}, ${colorScheme}: ${line}`));
    }
  }
}
