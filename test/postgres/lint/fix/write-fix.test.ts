import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { FixedFile } from "../../../../src/postgres/lint/fix/plan-fix.ts";
import { beginWrite, takeBackUnfinished } from "../../../../src/postgres/lint/fix/unfinished-write.ts";
import { writeFix } from "../../../../src/postgres/lint/fix/write-fix.ts";
import { readLintFolder } from "../../../../src/postgres/lint/read-folder.ts";
import { UNFINISHED_WRITE } from "../../../../src/postgres/migrations/unfinished.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tminus-write-fix-"));
  writeFileSync(join(directory, "1_a.sql"), "a");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function fixOf(...files: string[]): FixedFile {
  return {
    original: "1_a.sql",
    content: "a",
    files: files.map((file) => ({ file, text: `new ${file}`, transactional: true, phase: "expand" })),
    backfills: [],
    rules: [],
    declared: [],
    notes: [],
  };
}

const contents = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory).map((file) => [file, readFileSync(join(directory, file), "utf8")]),
  );

it("replaces the original and adds the others", async () => {
  await writeFix(directory, [fixOf("1_a.sql", "2_a.sql")]);
  expect(contents()).toEqual({ "1_a.sql": "new 1_a.sql", "2_a.sql": "new 2_a.sql" });
});

it("writes nothing when a file stands in the way, or the original changed", async () => {
  writeFileSync(join(directory, "3_a.sql"), "somebody's");
  const before = contents();
  await expect(writeFix(directory, [fixOf("1_a.sql", "2_a.sql", "3_a.sql")])).rejects.toThrow(
    "3_a.sql is there",
  );
  expect(contents()).toEqual(before);
  await expect(writeFix(directory, [{ ...fixOf("1_a.sql"), content: "b" }])).rejects.toThrow(
    "changed meanwhile",
  );
  expect(contents()).toEqual(before);
});

it("takes everything back when a later original cannot be replaced", async () => {
  writeFileSync(join(directory, "4_b.sql"), "b");
  // In the way of what is renamed over it.
  mkdirSync(join(directory, "4_b.sql.tminus-new"));
  const second = { ...fixOf("4_b.sql", "5_b.sql"), original: "4_b.sql", content: "b" };
  await expect(writeFix(directory, [fixOf("1_a.sql", "2_a.sql"), second])).rejects.toThrow("EISDIR");
  rmSync(join(directory, "4_b.sql.tminus-new"), { recursive: true, force: true });
  expect(contents()).toEqual({ "1_a.sql": "a", "4_b.sql": "b" });
});

it("replaces a file with a byte order mark, and keeps a file's mode", async () => {
  writeFileSync(join(directory, "1_a.sql"), "\uFEFFa");
  chmodSync(join(directory, "1_a.sql"), 0o640);
  await writeFix(directory, [fixOf("1_a.sql", "2_a.sql")]);
  expect(contents()).toEqual({ "1_a.sql": "new 1_a.sql", "2_a.sql": "new 2_a.sql" });
  const modes = ["1_a.sql", "2_a.sql"].map((file) => statSync(join(directory, file)).mode & 0o777);
  expect(modes).toEqual([0o640, 0o640]);
});

/** A process that writes the fix and kills itself in front of its nth change of the folder; whether it was killed. */
function killedBefore(call: number, fixed: FixedFile[]): boolean {
  const script = `
    import { promises } from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    let calls = 0;
    for (const name of ["writeFile", "link", "rename", "rm", "mkdir", "chmod"]) {
      const original = promises[name];
      promises[name] = (...given) => {
        if (calls++ === ${call}) process.kill(process.pid, "SIGKILL");
        return original(...given);
      };
    }
    syncBuiltinESMExports();
    const { writeFix } = await import(${JSON.stringify(resolve("src/postgres/lint/fix/write-fix.ts"))});
    await writeFix(${JSON.stringify(directory)}, ${JSON.stringify(fixed)});`;
  const { signal, status, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--no-warnings", "-e", script],
    { encoding: "utf8" },
  );
  expect(signal ?? status, stderr).toSatisfy((end) => end === "SIGKILL" || end === 0);
  return signal === "SIGKILL";
}

it("killed anywhere, leaves the old files, the new ones, or a folder that nobody reads until it is taken back", async () => {
  const before = { "1_a.sql": "a", "4_b.sql": "b" };
  const after = { "1_a.sql": "new 1_a.sql", "2_a.sql": "new 2_a.sql", "5_b.sql": "new 5_b.sql" };
  const second = { ...fixOf("5_b.sql"), original: "4_b.sql", content: "b" };
  const sqlFiles = (): Record<string, string> =>
    Object.fromEntries(Object.entries(contents()).filter(([file]) => file.endsWith(".sql")));
  const seen = new Set<string>();
  let isKilled = true;
  for (let call = 0; isKilled; call++) {
    for (const [file, text] of Object.entries(before)) writeFileSync(join(directory, file), text);
    isKilled = killedBefore(call, [fixOf("1_a.sql", "2_a.sql"), second]);
    const isUnfinished = readdirSync(directory).includes(UNFINISHED_WRITE);
    if (isUnfinished) {
      await expect(readLintFolder(directory, "native")).rejects.toThrow("was ended before");
      expect(await takeBackUnfinished(directory)).toBe(true);
      expect(contents(), `call ${call}`).toEqual(before);
      seen.add("unfinished");
    } else {
      const now = JSON.stringify(sqlFiles());
      expect([JSON.stringify(before), JSON.stringify(after)], `call ${call}`).toContain(now);
      seen.add(now === JSON.stringify(after) ? "after" : "before");
    }
    expect(await takeBackUnfinished(directory)).toBe(false);
    for (const file of readdirSync(directory)) {
      if (!file.endsWith(".tminus-old")) rmSync(join(directory, file));
    }
  }
  expect([...seen].sort()).toEqual(["after", "before", "unfinished"]);
});

it("says what to do when nobody can tell what was being written", async () => {
  writeFileSync(join(directory, UNFINISHED_WRITE), "x");
  await expect(takeBackUnfinished(directory)).rejects.toMatchObject({
    code: "MIGRATION_INVALID",
    hint: expect.stringContaining("then remove .tminus-unfinished") as string,
  });
});

it("does not take back what another process is writing, nor write beside it", async () => {
  await beginWrite(directory, { created: ["2_a.sql"], replaced: ["1_a.sql"] });
  await expect(takeBackUnfinished(directory)).rejects.toThrow("is changing the files");
  await expect(writeFix(directory, [fixOf("1_a.sql", "2_a.sql")])).rejects.toThrow("is changing the files");
  expect(contents()["1_a.sql"]).toBe("a");
});
