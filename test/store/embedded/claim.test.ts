import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { identify, run } from "../../../src/lib/process.ts";
import { ownedName, ownerOf, withClaim } from "../../../src/store/embedded/claim.ts";

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "tminus-claim-")), "claims");
});
afterEach(() => rmSync(join(folder, ".."), { recursive: true, force: true }));

const options = { clock: systemClock, timeoutMs: 30_000 };

it("never runs two tasks at once", async () => {
  let inside = 0;
  let most = 0;
  const task = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await systemClock.sleep(3);
    inside--;
  };
  await Promise.all(Array.from({ length: 8 }, () => withClaim(folder, options, task)));
  expect(most).toBe(1);
  expect(readdirSync(folder)).toEqual([]);
});

it("never runs the tasks of two processes at once", async () => {
  const log = join(folder, "..", "log");
  const script = `
    import { appendFileSync } from "node:fs";
    import { systemClock as clock } from ${JSON.stringify(join(import.meta.dirname, "../../../src/lib/clock.ts"))};
    import { withClaim } from ${JSON.stringify(join(import.meta.dirname, "../../../src/store/embedded/claim.ts"))};
    for (let i = 0; i < 15; i++) await withClaim(${JSON.stringify(folder)}, { clock, timeoutMs: 30000 }, async () => {
      appendFileSync(${JSON.stringify(log)}, "in ");
      await clock.sleep(2);
      appendFileSync(${JSON.stringify(log)}, "out\\n");
    });`;
  const argv = [process.execPath, "--input-type=module", "-e", script];
  const results = await Promise.all([1, 2, 3].map(() => run(argv, { timeoutMs: 50_000 })));
  expect(results.map(({ exitCode, output }) => ({ exitCode, output }))).toEqual(
    [1, 2, 3].map(() => ({ exitCode: 0, output: "" })),
  );
  expect(readFileSync(log, "utf8")).toBe("in out\n".repeat(45));
});

it("does not count the claim of a process that is no more, nor of one that had this pid before", async () => {
  const ended = await run([process.execPath, "-e", "console.log(process.pid)"], { timeoutMs: 10_000 });
  mkdirSync(folder);
  writeFileSync(join(folder, `${ended.output.trim()}-1-aaaaaaaaaa`), "");
  if (identify(process.pid)!.startedAt !== "") writeFileSync(join(folder, `${process.pid}-1-aaaaaaaaaa`), "");
  expect(await withClaim(folder, options, async () => readdirSync(folder).length)).toBe(1);
});

it("gives up after its time when the holder lives, naming it, and leaves the holder alone", async () => {
  mkdirSync(folder);
  const held = join(folder, ownedName());
  writeFileSync(held, "");
  const never = withClaim(folder, { ...options, timeoutMs: 60 }, async () => "ran");
  await expect(never).rejects.toMatchObject({ code: "STATE_UNAVAILABLE", details: { pid: process.pid } });
  expect(readdirSync(folder)).toHaveLength(1);
  expect(existsSync(held)).toBe(true);
});

it("releases when the task throws, and stops waiting when aborted", async () => {
  await expect(withClaim(folder, options, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(readdirSync(folder)).toEqual([]);
  writeFileSync(join(folder, ownedName()), "");
  const abort = new AbortController();
  const waiting = withClaim(
    folder,
    { ...options, signal: abort.signal, onWait: () => abort.abort(new Error("enough")) },
    async () => "ran",
  );
  await expect(waiting).rejects.toThrow("enough");
});

it("says so when the folder cannot be used", async () => {
  writeFileSync(folder, "a file");
  await expect(withClaim(folder, options, async () => "ran")).rejects.toMatchObject({
    code: "STATE_UNAVAILABLE",
  });
});

it("reads the owner back from an owned name and from nothing else", () => {
  expect(ownerOf(ownedName())).toEqual(identify(process.pid));
  expect(ownerOf("12-34")).toBeUndefined();
  expect(ownerOf("readme")).toBeUndefined();
});
