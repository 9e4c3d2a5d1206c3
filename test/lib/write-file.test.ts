import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeFileAtomically } from "../../src/lib/write-file.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tminus-write-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("writeFileAtomically", () => {
  it("replaces the file by another one, for its owner alone, and leaves nothing beside it", () => {
    const path = join(directory, "state.json");
    writeFileSync(path, "old", { mode: 0o644 });
    const before = statSync(path).ino;
    writeFileAtomically(path, "new ü");
    expect(readFileSync(path, "utf8")).toBe("new ü");
    expect(statSync(path).ino).not.toBe(before);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(["state.json"]);
  });

  it("leaves the old file as it was when the new one cannot be written", () => {
    const path = join(directory, "missing", "state.json");
    expect(() => writeFileAtomically(path, "new")).toThrow("ENOENT");
    expect(readdirSync(directory)).toEqual([]);
  });
});
