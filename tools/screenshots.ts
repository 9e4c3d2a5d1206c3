import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { openThrowawayPostgres } from "../src/store/throwaway-postgres.ts";

/**
 * `npm run screenshots`: writes every page of the console, light and dark, into docs/images/console, from a real server whose
 * release is watched and rolled back.
 */
const folder = join(import.meta.dirname, "../docs/images/console");
/** As high as the page is, but not lower than this. */
const WIDE = { width: 1280, height: 400 };
const HIGHEST = 1000;
/** What a page shows first makes it ask for the rest. */
const SETTLED_MS = 300;
const NARROW = { width: 390, height: 844 };

mkdirSync(folder, { recursive: true });
const postgres = await openThrowawayPostgres();
process.env.TMINUS_TEST_POSTGRES = postgres.adminUrl;
const { ConsoleProject } = await import("../test/web/support/console-project.ts");
const { PAGES } = await import("../test/web/support/pages.ts");
const site = await ConsoleProject.open();
try {
  const page = await (await site.context({ viewport: WIDE })).newPage();
  await page.goto(site.setUpUrl);
  await page.getByLabel("Password").waitFor();
  await shoot(page, "set-up");
  await site.setUp(page);
  await site.addUser("ben", ["approver"]);
  await page.getByRole("link", { name: "Plan a release" }).first().click();
  await page.getByLabel("Release").fill("bad");
  await page.getByRole("button", { name: "Make the plan" }).click();
  await page.getByText("READY").waitFor();
  await shoot(page, "plan-made");
  await page.getByRole("button", { name: "Start this plan" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Start this plan" }).click();
  await page.waitForURL(/\/runs\/r/);
  await page.getByRole("button", { name: "Reject", disabled: false }).waitFor();
  const phone = await (await site.context({ viewport: NARROW })).newPage();
  await site.signIn(phone, "ben");
  await phone.goto(page.url());
  await phone.getByRole("button", { name: "Approve", exact: true, disabled: false }).waitFor();
  const shootBoth = (name: string): Promise<unknown> =>
    Promise.all([shoot(page, name), shoot(phone, `${name}-narrow`)]);
  await shootBoth("run-waiting");
  site.startTraffic(30);
  await phone.getByRole("button", { name: "Approve", exact: true }).click();
  await phone.getByRole("dialog").getByRole("button", { name: "Approve", exact: true }).click();
  // Some seconds before it is decided.
  await page.getByText(/^goes on: .* taken literally/).waitFor();
  await shootBoth("run-watched");
  for (const each of [page, phone]) {
    await each.getByRole("region", { name: "Run", exact: true }).getByText("ROLLED BACK").waitFor();
    await each.getByRole("region", { name: "Going back" }).waitFor();
    await each.getByRole("article", { name: "Rule errors" }).getByText("✗ FAIL").waitFor();
  }
  await shootBoth("run-rolled-back");
  for (const { name, path, ready } of PAGES) {
    await page.goto(site.url + path);
    await page.getByText(ready).first().waitFor();
    await page.locator("main .quiet", { hasText: "…" }).first().waitFor({ state: "detached" });
    await shoot(page, name);
  }
  await page.getByRole("button", { name: /sign out/ }).click();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  await shoot(page, "sign-in");
} finally {
  await site.close();
  await postgres.close();
}

/** Light and dark: of the phone's what it shows at once, of the others as much as fits into a picture. */
async function shoot(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 0); // nothing is pointed at
  await page.waitForTimeout(SETTLED_MS);
  const { width, height } = page.viewportSize()!;
  const whole = Number(await page.evaluate("document.documentElement.scrollHeight"));
  const clip = { x: 0, y: 0, width, height: width === WIDE.width ? Math.min(whole, HIGHEST) : height };
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`), fullPage: true, clip });
    process.stderr.write(`${name}-${colorScheme}.png\n`);
  }
}
