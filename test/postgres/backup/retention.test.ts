import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listBackups } from "../../../src/postgres/backup/files.ts";
import { sealProof, type BackupManifest } from "../../../src/postgres/backup/manifest.ts";
import { chooseForRemoval, newestProven, removeBackup } from "../../../src/postgres/backup/retention.ts";
import { backupDirectory, dumpForTest, runSql } from "../../support/backup.ts";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";

let source: FreshDatabase;
let unproven: BackupManifest;
beforeAll(async () => {
  source = await freshDatabase();
  await runSql(source.url, "create table t (a int); insert into t values (1)");
  await using directory = await backupDirectory();
  ({ manifest: unproven } = await dumpForTest(source.url, directory.path));
});
afterAll(() => source.drop());

/** A backup of that day in January. */
function ofDay(day: number, isProven = true): { manifest: BackupManifest } {
  const at = `2026-01-0${day}T12:00:00.000Z`;
  const manifest = { ...unproven, id: `day-${day}`, snapshot: { ...unproven.snapshot, at } };
  if (!isProven) return { manifest };
  const seen = { restoreSeconds: 1, compareSeconds: 1, tables: 1, rows: 1, sequences: 0, objects: 1 };
  return { manifest: sealProof(manifest, { ...seen, at, server: "18.0", objectsBy: "definition" }) };
}

const none = (): undefined => undefined;

function chosen(...given: Parameters<typeof chooseForRemoval>): [string, string | undefined][] {
  return chooseForRemoval(...given).map(({ backup, kept }) => [backup.manifest.id, kept]);
}

describe("which backups go", () => {
  let all: { manifest: BackupManifest }[];
  beforeAll(() => void (all = [ofDay(3), ofDay(5, false), ofDay(1), ofDay(4), ofDay(2, false)]));

  it("takes those after the newest proven ones that are kept, and counts no other", () => {
    expect(chosen(all, { keep: 1 }, none)).toEqual([
      ["day-3", undefined],
      ["day-1", undefined],
    ]);
    expect(chosen(all, { keep: 3 }, none)).toEqual([]);
    expect(chosen(all, {}, none)).toEqual([]);
  });

  it("takes those of before a moment, the unproven ones too", () => {
    expect(chosen(all, { before: new Date("2026-01-03T00:00:00Z") }, none)).toEqual([
      ["day-2", undefined],
      ["day-1", undefined],
    ]);
  });

  it("never takes the newest that is proven, nor one that is held", () => {
    const held = ({ id }: BackupManifest): string | undefined => (id === "day-1" ? "a run" : undefined);
    expect(chosen(all, { before: new Date("2026-02-01T00:00:00Z") }, held)).toEqual([
      ["day-5", undefined],
      ["day-4", "it is the newest that is proven"],
      ["day-3", undefined],
      ["day-2", undefined],
      ["day-1", "a run"],
    ]);
    expect(newestProven(all, "day-4")).toBe("it is the newest that is proven");
    expect(newestProven(all, "day-5")).toBeUndefined();
  });
});

describe("removing a backup", () => {
  it("leaves nothing of it, and may be repeated", async () => {
    await using directory = await backupDirectory();
    const { folder } = await dumpForTest(source.url, directory.path);
    const { folder: other } = await dumpForTest(source.url, directory.path);
    await removeBackup(folder);
    await removeBackup(folder);
    expect((await readdir(directory.path)).map((name) => join(directory.path, name))).toEqual([other]);
  });

  it("leaves, when it is killed between, what counts for nothing and goes with the next backup", async () => {
    await using directory = await backupDirectory();
    await mkdir(join(directory.path, ".removed-20260101t120000z-aaaaaa", "data"), { recursive: true });
    expect(await listBackups(directory.path)).toEqual([]);
    const { folder } = await dumpForTest(source.url, directory.path);
    expect((await readdir(directory.path)).map((name) => join(directory.path, name))).toEqual([folder]);
  });

  it("says when a backup could not be removed", async () => {
    await expect(removeBackup("/proc/self/fd")).rejects.toMatchObject({ code: "BACKUP_FAILED" });
  });
});
