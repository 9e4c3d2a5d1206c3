import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openThrowawayPostgres } from "../src/store/throwaway-postgres.ts";

/**
 * `npm run screenshots`: writes every page of the console, light and dark, into docs/images/console, from a real server whose
 * release is watched and rolled back.
 */
const folder = join(import.meta.dirname, "../docs/images/console");
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };

mkdirSync(folder, { recursive: true });
const postgres = await openThrowawayPostgres();
process.env.TMINUS_TEST_POSTGRES = postgres.adminUrl;
const { ConsoleProject } = await import("../test/web/support/console-project.ts");
const { PAGES } = await import("../test/web/support/pages.ts");
const site = await ConsoleProject.open();
try {
  const context = await site.context({ viewport: WIDE });
  const page = await context.newPage();
  const shoot = async (name: string): Promise<void> => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) });
      process.stderr.write(`${name}-${colorScheme}.png\n`);
    }
    await page.emulateMedia({ colorScheme: "light" });
  };
  await page.goto(site.setUpUrl);
  await page.getByLabel("Password").waitFor();
  await shoot("set-up");
  await site.setUp(page);
  await site.addUser("ben", ["approver"]);
  await page.getByRole("link", { name: "Plan a release" }).click();
  await page.getByLabel("Release").fill("bad");
  await page.getByRole("button", { name: "Make the plan" }).click();
  await page.getByText("READY").waitFor();
  await shoot("plan-made");
  await page.getByRole("button", { name: "Start this plan" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Start this plan" }).click();
  await page.waitForURL(/\/runs\/r/);
  await page.getByRole("button", { name: "Reject" }).waitFor();
  await shoot("run-waiting");
  site.startTraffic();

  const other = await (await site.context()).newPage();
  await site.signIn(other, "ben");
  await other.goto(page.url());
  await other.getByRole("button", { name: "Approve", exact: true }).click();
  await other.getByRole("dialog").getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByRole("meter").waitFor();
  await shoot("run-watched");
  await page.getByRole("region", { name: "Run", exact: true }).getByText("ROLLED BACK").waitFor();
  await shoot("run-rolled-back");
  await page.setViewportSize(NARROW);
  await shoot("run-rolled-back-narrow");
  await page.setViewportSize(WIDE);
  for (const { name, path, ready } of PAGES.filter((each) => each.name !== "plan")) {
    await page.goto(site.url + path);
    await page.getByText(ready).first().waitFor();
    await shoot(name);
  }
  await page.getByRole("button", { name: /sign out/ }).click();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  await shoot("sign-in");
} finally {
  await site.close();
  await postgres.close();
}
