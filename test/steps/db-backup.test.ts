import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { listBackups } from "../../src/postgres/backup/files.ts";
import { dbBackup } from "../../src/steps/db-backup.ts";
import { createFakeStepWorld, type FakeStepWorld } from "../../src/testing/fake-step-context.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";
import { backupDirectory, runSql, testScratch } from "../support/backup.ts";
import { freshDatabase, type FreshDatabase } from "../support/database.ts";

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
  await runSql(
    database.url,
    "create table t (id serial primary key); insert into t select from generate_series(1, 20)",
  );
});
afterAll(() => database.drop());

function worldIn(runDirectory: string, change: { key?: string; url?: string } = {}): FakeStepWorld {
  return createFakeStepWorld({
    runDirectory,
    clock: systemClock,
    scratch: testScratch,
    environment: { database: "env:DATABASE_URL" },
    secrets: { "env:DATABASE_URL": change.url ?? database.url },
    ...(change.key === undefined ? {} : { key: change.key }),
  });
}

const stepCase: StepCase = {
  kind: dbBackup,
  with: {},
  async open() {
    const directory = await backupDirectory();
    const state = join(directory.path, "state");
    const world = worldIn(join(state, "runs", "run"));
    return {
      world,
      effects: async () => {
        const found = await listBackups(join(state, "backups", world.planContext({}).environment.name));
        return found.filter((one) => "manifest" in one && one.manifest.proof !== undefined).length;
      },
      close: () => directory[Symbol.asyncDispose](),
    };
  },
};

describe("db.backup", () => {
  it("keeps the contract of a step", async () => {
    await driveStep(stepCase);
  });

  it("makes one proven backup whatever interrupts it", async () => {
    const { act, parked } = await driveInterrupted(stepCase);
    expect(act).toBeGreaterThan(0);
    expect(parked).toBe(0);
  });

  it("says in the plan what will be backed up, and blocks when something is not covered", async () => {
    const other = await freshDatabase();
    try {
      await runSql(other.url, "create table t (a int); create publication p for table t");
      const world = worldIn("/nowhere", { url: other.url });
      const planned = async (settings: Record<string, string>) => {
        const given = dbBackup.schema.parse(settings);
        return dbBackup.plan(world.planInput(given, await dbBackup.gather!(world.planContext(given))));
      };
      const { summary, blocked, undo } = await planned({});
      expect(summary).toEqual([
        "back up 1 table (0 MB), restore into a scratch database, compare every row",
        "not covered: publication p",
      ]);
      expect(blocked).toMatchObject([
        { reason: "a backup would not be a full basis; not covered: publication p" },
      ]);
      expect(undo.how).toBe("none-needed");
      expect((await planned({ uncovered: "accept" })).blocked).toEqual([]);
    } finally {
      await other.drop();
    }
  });

  it("takes a young proven backup of an earlier run when it may, and notices when that is damaged", async () => {
    await using directory = await backupDirectory();
    const open = (key: string, settings: Record<string, unknown>) => {
      const given = dbBackup.schema.parse({ directory: directory.path, ...settings });
      return worldIn(join(directory.path, "runs"), { key }).open(given, null).context;
    };
    const first = await dbBackup.act(open("one", {}));
    expect(first.outcome).toBe("done");
    expect((await dbBackup.observe(open("one", {}))).state).toBe("done");
    expect((await dbBackup.observe(open("two", {}))).state).toBe("absent");
    const reused = await dbBackup.observe(open("two", { maxAge: "10m" }));
    expect(reused).toMatchObject({ state: "done", result: { id: first.result.id!, reused: true } });
    expect((await dbBackup.observe(open("two", { maxAge: "1ms" }))).state).toBe("absent");
    expect((await dbBackup.observe(open("two", { maxAge: "10m", restoreLimit: "1ms" }))).state).toBe(
      "absent",
    );

    const elsewhere = new URL(database.url);
    elsewhere.searchParams.set("host", "/another/server");
    const given = dbBackup.schema.parse({ directory: directory.path, maxAge: "10m" });
    const moved = worldIn(join(directory.path, "runs"), { key: "two", url: elsewhere.href });
    expect((await dbBackup.observe(moved.open(given, null).context)).state).toBe("absent");

    const context = open("two", { maxAge: "10m" });
    expect((await dbBackup.verify!(context, first.result)).verdict).toBe("pass");
    const folder = first.result.folder as string;
    const [file] = await readdir(join(folder, "data"));
    await writeFile(join(folder, "data", file!), "damaged");
    expect(await dbBackup.verify!(context, first.result)).toMatchObject({ verdict: "fail" });
  });

  it("removes what is older than the backups to keep, of its own database alone", async () => {
    await using directory = await backupDirectory();
    const other = await freshDatabase();
    try {
      await runSql(other.url, "create table t (a int)");
      const make = async (key: string, settings: Record<string, unknown>, url = database.url) => {
        const given = dbBackup.schema.parse({ directory: directory.path, ...settings });
        const world = worldIn(join(directory.path, "runs"), { key, url });
        return dbBackup.act(world.open(given, null).context);
      };
      const foreign = await make("other", {}, other.url);
      const made = [await make("one", {}), await make("two", {}), await make("three", { keep: 2 })];
      expect(made[2]!.reason).toMatch(/and compared; removed 1 older backup$/);
      const left = (await listBackups(directory.path)).map(({ folder }) => folder);
      expect(left.toSorted()).toEqual(
        [foreign, made[1]!, made[2]!].map(({ result }) => result.folder as string).toSorted(),
      );
    } finally {
      await other.drop();
    }
  });

  it("fails when restoring takes longer than it may", async () => {
    await using directory = await backupDirectory();
    const given = dbBackup.schema.parse({ directory: directory.path, restoreLimit: "1ms" });
    const result = await dbBackup.act(worldIn(directory.path).open(given, null).context);
    expect(result.outcome).toBe("failed");
    expect(result.reason).toMatch(/restoring took .* s; the limit is 0\.001 s/);
  });
});
