import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { isRollbackBasis, manifestText } from "../../../src/postgres/backup/manifest.ts";
import { checkFiles, listBackups, readBackup } from "../../../src/postgres/backup/files.ts";
import { proveBackup } from "../../../src/postgres/backup/prove.ts";
import {
  RICH_ROWS,
  RICH_SCHEMA,
  backupDirectory,
  backupLimits,
  dumpForTest,
  runSql,
  testScratch,
} from "../../support/backup.ts";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";

const laterClock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + 5_000) };

let source: FreshDatabase;
beforeAll(async () => {
  source = await freshDatabase();
  await runSql(source.url, RICH_SCHEMA);
  await runSql(source.url, RICH_ROWS);
});
afterAll(() => source.drop());

describe("proving a backup", () => {
  it("restores it elsewhere, compares, and only then lets it count", async () => {
    await using directory = await backupDirectory();
    const dumped = await dumpForTest(source.url, directory.path);
    await checkFiles(dumped);
    expect(isRollbackBasis(dumped.manifest)).toEqual({
      basis: false,
      reasons: ["it was never restored and compared"],
    });

    const proven = await proveBackup(dumped.folder, {
      ...backupLimits,
      scratch: testScratch,
      manifestHash: dumped.manifest.hash,
    });
    expect(isRollbackBasis(proven.manifest)).toEqual({ basis: true, reasons: [] });
    expect(proven.manifest.proof).toMatchObject({
      tables: 8,
      rows: 2005,
      sequences: 3,
      objectsBy: "definition",
    });
    expect(proven.manifest.tables.map(({ name, format }) => `${name} ${format}`)).toContain(
      "shop.users text",
    );
    expect(manifestText((await readBackup(dumped.folder)).manifest)).toBe(manifestText(proven.manifest));
  });

  it("lists the backups of a folder, newest first, also the damaged ones", async () => {
    await using directory = await backupDirectory();
    expect(await listBackups(join(directory.path, "none"))).toEqual([]);
    const first = await dumpForTest(source.url, directory.path);
    await writeFile(join(first.folder, "manifest.json"), "{");
    await mkdir(join(directory.path, ".partial-1-1-abcdef"));
    const second = await dumpForTest(source.url, directory.path, { clock: laterClock });
    expect(await listBackups(directory.path)).toEqual([
      second,
      { folder: first.folder, damage: `${first.folder}/manifest.json: it cannot be read` },
    ]);
  });

  it("says that a backup is no full basis when something is not covered", async () => {
    const other = await freshDatabase();
    await using directory = await backupDirectory();
    try {
      await runSql(other.url, "create table t (a int); create publication p for table t");
      const { folder } = await dumpForTest(other.url, directory.path);
      const { manifest } = await proveBackup(folder, { ...backupLimits, scratch: testScratch });
      expect(isRollbackBasis(manifest)).toEqual({
        basis: false,
        reasons: ["not a full basis; not covered: publication p"],
      });
      expect(isRollbackBasis(manifest, { acceptUncovered: true }).basis).toBe(true);
      expect(isRollbackBasis(manifest, { acceptUncovered: true, restoreLimitMs: 1 }).reasons[0]).toMatch(
        /^restoring took .* s; the limit is 0.001 s$/,
      );
    } finally {
      await other.drop();
    }
  });
});
