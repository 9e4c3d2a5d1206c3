import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { FixedFile } from "../../../../src/postgres/lint/fix/plan-fix.ts";
import { writeFix } from "../../../../src/postgres/lint/fix/write-fix.ts";

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
  const before = readdirSync(directory);
  await expect(writeFix(directory, [fixOf("1_a.sql", "2_a.sql"), second])).rejects.toThrow("EISDIR");
  expect(readdirSync(directory)).toEqual(before);
  expect(readFileSync(join(directory, "1_a.sql"), "utf8")).toBe("a");
  expect(readFileSync(join(directory, "4_b.sql"), "utf8")).toBe("b");
});
