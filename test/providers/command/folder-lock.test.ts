import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { withFolderLock } from "../../../src/providers/command/folder-lock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tminus-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("lets one at a time work, and each in the end", async () => {
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await systemClock.sleep(2);
    inside--;
  };
  await Promise.all(Array.from({ length: 8 }, () => withFolderLock(folder, systemClock, undefined, work)));
  expect(most).toBe(1);
  expect(readdirSync(folder)).toEqual([]);
});

it("is let go of when the work fails, and by the death of its holder", async () => {
  const failing = withFolderLock(folder, systemClock, undefined, () => Promise.reject(new Error("broken")));
  await expect(failing).rejects.toThrow("broken");
  writeFileSync(join(folder, "999999999-1-aaaaaaaaaa"), "");
  expect(await withFolderLock(folder, systemClock, undefined, async () => "mine")).toBe("mine");
  expect(readdirSync(folder)).toEqual([]);
});

it("is waited for only until the signal", async () => {
  await withFolderLock(folder, systemClock, undefined, async () => {
    const stopping = new AbortController();
    const waiting = withFolderLock(folder, systemClock, stopping.signal, async () => "never");
    stopping.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });
});
