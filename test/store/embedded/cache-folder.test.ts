import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { run } from "../../../src/lib/process.ts";
import { cacheRoot, cachedFolder, removeAbandoned } from "../../../src/store/embedded/cache-folder.ts";
import { serverAccount } from "../../../src/store/embedded/server-account.ts";

const account = serverAccount();
let folder: string;
let path: string;
let builds: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tminus-cache-"));
  path = join(folder, "thing");
  builds = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function build(content: string): Promise<void> {
  builds++;
  mkdirSync(join(content, "empty"), { recursive: true });
  await systemClock.sleep(5);
  writeFileSync(join(content, "file"), "text");
}

describe("cachedFolder", () => {
  it("builds once and returns the same folder afterwards", async () => {
    const first = await cachedFolder(path, account, build);
    expect(readFileSync(join(first, "file"), "utf8")).toBe("text");
    expect(await cachedFolder(path, account, build)).toBe(first);
    expect(builds).toBe(1);
    expect(readdirSync(folder)).toEqual(["thing"]);
  });

  it("gives a complete folder to each of several callers at once, and leaves no draft", async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => cachedFolder(path, account, build)));
    expect(new Set(all).size).toBe(1);
    expect(readdirSync(all[0]!).sort()).toEqual(["empty", "file"]);
    expect(readdirSync(folder)).toEqual(["thing"]);
  });

  it.each(["file", "empty"])("builds again when %s was lost", async (name) => {
    const content = await cachedFolder(path, account, build);
    rmSync(join(content, name), { recursive: true });
    expect(await cachedFolder(path, account, build)).toBe(content);
    expect(existsSync(join(content, name))).toBe(true);
    expect(builds).toBe(2);
  });

  it("leaves nothing when the build fails, and builds at the next call", async () => {
    await expect(cachedFolder(path, account, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(readdirSync(folder)).toEqual([]);
    await cachedFolder(path, account, build);
    expect(builds).toBe(1);
  });

  it("removes the draft of a process that is no more", async () => {
    const ended = await run([process.execPath, "-e", "console.log(process.pid)"], { timeoutMs: 10_000 });
    mkdirSync(`${path}.${ended.output.trim()}-1-aaaaaaaaaa`);
    await cachedFolder(path, account, build);
    expect(readdirSync(folder)).toEqual(["thing"]);
  });
});

describe("removeAbandoned", () => {
  it("goes on when a child of the dead process still writes into its draft", async () => {
    const ended = await run([process.execPath, "-e", "console.log(process.pid)"], { timeoutMs: 10_000 });
    const draft = `${path}.${ended.output.trim()}-1-aaaaaaaaaa`;
    mkdirSync(draft);
    const abort = new AbortController();
    const script = `
      const { mkdirSync, writeFileSync } = require("node:fs");
      for (let i = 0; ; i++) {
        mkdirSync(process.argv[1], { recursive: true });
        try { writeFileSync(process.argv[1] + "/" + i, ""); } catch {}
      }`;
    const writer = run([process.execPath, "-e", script, draft], { timeoutMs: 20_000, signal: abort.signal });
    try {
      while (readdirSync(draft).length < 500) await systemClock.sleep(5);
      for (let i = 0; i < 300; i++) removeAbandoned(path);
    } finally {
      abort.abort();
      await writer;
    }
    removeAbandoned(path);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("cacheRoot", () => {
  it("is a folder that other users can neither enter nor change", () => {
    const { uid, mode } = statSync(cacheRoot(account));
    expect(uid).toBe(process.geteuid!());
    expect(mode & 0o027).toBe(0);
  });
});
