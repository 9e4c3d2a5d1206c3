import { tmpdir } from "node:os";
import { expect, it } from "vitest";
import { runBackfill } from "../../../src/postgres/backfill/run-backfill.ts";
import { openWorld, settingsOf, WRONG } from "../../postgres/backfill/world.ts";
import { runCommand, type CommandResult } from "../support/run-command.ts";

const NO_RUNS = (): Promise<never> => Promise.reject(new Error("not used here"));

it("pauses a backfill, whose trigger goes on, and lets it go on to the end", async () => {
  await using world = await openWorld(60_000);
  const run = (...argv: string[]): Promise<CommandResult> =>
    runCommand(NO_RUNS, ["db", "backfill", ...argv, "--database", "env:DB"], {
      directory: tmpdir(),
      environment: { DB: world.url },
    });
  expect((await run()).stdout).toContain("no backfill was begun");
  expect(await run("--pause")).toMatchObject({ exitCode: 2 });

  const filling = runBackfill(settingsOf({ batchPages: 1 }), world.options());
  await expect.poll(async () => (await run("--pause")).exitCode, { timeout: 30_000 }).toBe(0);
  await expect.poll(() => world.progress.at(-1), { timeout: 30_000 }).toContain("paused");
  const page = async (): Promise<unknown> =>
    (await world.query("select page, state from tminus.backfill"))[0];
  const paused = await page();
  await world.query("insert into users (id, email) values (900001, 'Late@Example.com')");
  expect(await world.query("select handle from users where id = 900001")).toEqual([
    { handle: "late@example.com" },
  ]);
  expect(await page()).toEqual(paused);
  expect((await run()).stdout).toContain("paused, filling");

  expect((await run("users", "--resume")).exitCode).toBe(0);
  await filling;
  expect(await world.query(WRONG)).toEqual([{ wrong: 0 }]);
  expect(JSON.parse((await run("--json")).stdout)).toMatchObject({
    backfills: [{ state: "done", title: expect.anything() as unknown }],
  });
});

it("takes no word for pause and resume at once", async () => {
  const result = await runCommand(NO_RUNS, ["db", "backfill", "--pause", "--resume"], {
    directory: tmpdir(),
  });
  expect(result.exitCode).toBe(2);
});
