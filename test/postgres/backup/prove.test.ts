import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { isRollbackBasis, manifestText } from "../../../src/postgres/backup/manifest.ts";
import { checkFiles, listBackups, readBackup } from "../../../src/postgres/backup/files.ts";
import { cloneDatabase } from "../../../src/postgres/backup/new-database.ts";
import { readFingerprint } from "../../../src/postgres/drift/fingerprint.ts";
import { readOnly } from "../../../src/postgres/session/connect.ts";
import { proveBackup, restoreForProof } from "../../../src/postgres/backup/prove.ts";
import {
  RICH_ROWS,
  RICH_SCHEMA,
  backupDirectory,
  backupLimits,
  dumpForTest,
  querySql,
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

  it("keeps the restored database to make copies of", async () => {
    await using directory = await backupDirectory();
    const { folder } = await dumpForTest(source.url, directory.path);
    await using proven = await restoreForProof(folder, { ...backupLimits, scratch: testScratch });
    const limits = { statementTimeoutMs: 60_000 };
    await using one = await cloneDatabase(proven.database, limits);
    await runSql(one.connectionString, "delete from shop.orders");
    await using other = await cloneDatabase(proven.database, limits);
    const count = "select count(*)::int as rows from shop.orders";
    expect(await querySql(one.connectionString, count)).toEqual([{ rows: 0 }]);
    expect(await querySql(other.connectionString, count)).toEqual([{ rows: 500 }]);
  });

  it("restores what another reader of the catalog takes for the same schema", async () => {
    await using directory = await backupDirectory();
    const { folder } = await dumpForTest(source.url, directory.path);
    await using proven = await restoreForProof(folder, { ...backupLimits, scratch: testScratch });
    const read = (connectionString: string) =>
      readOnly({ connectionString, purpose: "test", statementTimeoutMs: 60_000 }, (session) =>
        readFingerprint(session),
      );
    const linesOf = async (url: string) =>
      (await read(url)).objects
        .map(({ kind, identity, definition }) => `${kind} ${identity} ${JSON.stringify(definition)}`)
        .toSorted();
    const restored = await linesOf(proven.database.connectionString);
    expect(restored).toEqual(await linesOf(source.url));
    expect(restored.length).toBeGreaterThan(60);
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
