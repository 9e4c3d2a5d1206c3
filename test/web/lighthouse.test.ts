import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConsoleProject } from "./support/console-project.ts";
import { FAST, measureEveryPage } from "./support/lighthouse.ts";

let site: ConsoleProject;

beforeAll(async () => {
  site = await ConsoleProject.open();
  const context = await site.context();
  await site.setUp(await context.newPage());
  await context.close();
}, 180_000);
afterAll(() => site.close(), 60_000);

describe("Lighthouse, as a phone has it", { timeout: 580_000 }, () => {
  it("gives every page 95 or more for performance and 100 for accessibility", async ({ signal }) => {
    const scores = await measureEveryPage(site, () => undefined, signal);
    expect(
      scores.filter(({ performance, accessibility }) => performance < FAST || accessibility < 100),
    ).toEqual([]);
    expect(scores.length).toBeGreaterThan(9);
  });
});
