import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConsoleProject } from "./support/console-project.ts";
import { measureEveryPage } from "./support/lighthouse.ts";

let site: ConsoleProject;

beforeAll(async () => {
  site = await ConsoleProject.open();
  const context = await site.context();
  await site.setUp(await context.newPage());
  await context.close();
}, 180_000);
afterAll(() => site.close(), 60_000);

describe("Lighthouse, as a phone has it", { timeout: 580_000 }, () => {
  // Its mark for performance depends on what else the machine does: npm run bench -- console has it.
  it("finds nothing wrong for accessibility on any page", async ({ signal }) => {
    const scores = await measureEveryPage(site, { tries: 1, say: () => undefined, signal });
    expect(scores.filter(({ accessibility }) => accessibility < 100)).toEqual([]);
    expect(scores.length).toBeGreaterThan(9);
  });
});
