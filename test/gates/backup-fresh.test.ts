import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { backupFresh } from "../../src/gates/backup-fresh.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { backUp } from "../../src/postgres/backup/back-up.ts";
import { createFakeClock } from "../../src/testing/fake-clock.ts";
import { backupDirectory, backupLimits, dumpForTest, runSql, testScratch } from "../support/backup.ts";
import { freshDatabase, type FreshDatabase } from "../support/database.ts";
import { gateContext } from "../support/gate-context.ts";

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
  await runSql(
    database.url,
    "create table t (id int primary key); insert into t values (1); create table logs (x int)",
  );
});
afterAll(() => database.drop());

/** A real backup, restored and compared, in the environment's own place of the state folder. */
const prove = (state: string, exclude: string[] = [], label = "production") =>
  backUp({
    ...backupLimits,
    connectionString: database.url,
    directory: join(state, "backups", "production"),
    key: null,
    label,
    exclude,
    scratch: testScratch,
  });

function check(state: string, settings: JsonObject = {}, { hours = 0, url = database.url } = {}) {
  const context = gateContext(backupFresh, settings, {
    projectDirectory: state,
    stateDirectory: state,
    secrets: { "env:DATABASE_URL": url },
    world: {
      clock: createFakeClock({ start: new Date(Date.now() + hours * 3_600_000) }),
      environment: { database: "env:DATABASE_URL" },
    },
  });
  return backupFresh.check(context);
}

it("passes with a proven backup up to its age, and fails when it is older", async () => {
  await using state = await backupDirectory();
  const { manifest } = await prove(state.path);
  expect(await check(state.path, {}, { hours: 23 })).toMatchObject({
    verdict: "pass",
    reason: expect.stringMatching(/^the newest proven backup is 23h 00m old$/) as unknown,
    evidence: { id: manifest.id, at: manifest.snapshot.at },
  });
  expect(await check(state.path, { directory: "backups/production" })).toMatchObject({ verdict: "pass" });
  expect(await check(state.path, {}, { hours: 25 })).toMatchObject({
    verdict: "fail",
    reason: expect.stringMatching(/is 1d 1h old, 24h allowed$/) as unknown,
  });
  expect(await check(state.path, { restoreLimit: "1ms" })).toMatchObject({ verdict: "fail" });
});

it("fails without a backup, and with one that was never restored, of which it says so", async () => {
  await using state = await backupDirectory();
  expect(await check(state.path)).toMatchObject({
    verdict: "fail",
    reason: expect.stringMatching(/^no backup of production in .* can be relied on$/) as unknown,
    fix: "make and prove one: tminus db backup",
  });
  await dumpForTest(database.url, join(state.path, "backups", "production"), { label: "production" });
  expect(await check(state.path)).toMatchObject({
    verdict: "fail",
    reason: expect.stringContaining("it was never restored and compared") as unknown,
  });
});

it("does not count the backup of another environment, of another database, or without the rows of a table", async () => {
  await using state = await backupDirectory();
  await prove(state.path, [], "staging");
  expect(await check(state.path)).toMatchObject({ verdict: "fail" });
  await prove(state.path, ["public.logs"]);
  expect(await check(state.path)).toMatchObject({
    verdict: "fail",
    reason: expect.stringContaining("it leaves out public.logs") as unknown,
  });
  expect(await check(state.path, { exclude: ["public.logs"] })).toMatchObject({ verdict: "pass" });
  const url = new URL(database.url);
  url.pathname = "/other";
  expect(await check(state.path, { exclude: ["public.logs"] }, { url: url.href })).toMatchObject({
    verdict: "fail",
  });
});

it("fails when a file of the backup is damaged, and names the file", async () => {
  await using state = await backupDirectory();
  const { folder } = await prove(state.path);
  const [file] = readdirSync(join(folder, "data"));
  writeFileSync(join(folder, "data", file!), "");
  expect(await check(state.path)).toMatchObject({
    verdict: "fail",
    reason: expect.stringContaining(file!) as unknown,
  });
  rmSync(join(folder, "manifest.json"));
  expect(await check(state.path)).toMatchObject({
    verdict: "fail",
    evidence: { damaged: [expect.stringContaining("manifest.json") as unknown] },
  });
});

it("is undecided when the folder cannot be read", async () => {
  await using state = await backupDirectory();
  const place = join(state.path, "backups", "production");
  mkdirSync(dirname(place));
  writeFileSync(place, "a file where the folder should be");
  expect(await check(state.path)).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("cannot be read") as unknown,
  });
});
