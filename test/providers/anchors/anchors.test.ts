import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "../../../src/lib/process.ts";
import type { Anchor } from "../../../src/model/audit.ts";
import { openAnchors } from "../../../src/providers/anchors/open-anchors.ts";

let folder = "";
const { signal } = new AbortController();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tminus-anchors-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function anchor(sequence: number, change: Partial<Anchor> = {}): Anchor {
  return {
    project: "shop",
    sequence,
    hash: `${sequence}`.repeat(64).slice(0, 64),
    run: "r1",
    at: "2026-11-21",
    ...change,
  };
}

async function git(...argv: string[]): Promise<string> {
  const identity = ["-c", "user.name=t", "-c", "user.email=t@t"];
  const { exitCode, output } = await run(["git", ...identity, ...argv], { cwd: folder, timeoutMs: 30_000 });
  if (exitCode !== 0) throw new Error(output);
  return output.trim();
}

async function repository(): Promise<void> {
  await git("init", "--quiet");
  await git("commit", "--quiet", "--allow-empty", "--message", "first");
}

describe("anchors in a file", () => {
  it("are lines that are added and read again, each once", async () => {
    const place = openAnchors({ file: "kept/anchors" }, folder);
    expect(await place.read(signal)).toEqual([]);
    for (const each of [anchor(1), anchor(2), anchor(2), anchor(3, { project: "other" })])
      await place.write(each, signal);
    expect(await place.read(signal)).toEqual([anchor(1), anchor(2), anchor(3, { project: "other" })]);
    expect(readFileSync(join(folder, "kept/anchors"), "utf8").split("\n")).toHaveLength(4);
  });

  it("go on behind a line of which only half was written", async () => {
    const place = openAnchors({ file: "anchors" }, folder);
    for (let sequence = 1; sequence <= 40; sequence++) await place.write(anchor(sequence), signal);
    appendFileSync(join(folder, "anchors"), '{"project":"shop","seq');
    await place.write(anchor(41), signal);
    expect((await place.read(signal)).map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 41 }, (_, index) => index + 1),
    );
  });

  it("are not known when a line is something else, or the file cannot be read or written", async () => {
    writeFileSync(join(folder, "anchors"), '{"project":"shop"}\n');
    await expect(openAnchors({ file: "anchors" }, folder).read(signal)).rejects.toThrow(
      "line 1 is no anchor",
    );
    await expect(openAnchors({ file: "." }, folder).read(signal)).rejects.toThrow();
    await expect(openAnchors({ file: "anchors/below" }, folder).write(anchor(1), signal)).rejects.toThrow();
  });
});

describe("anchors as tags", () => {
  it("are annotated, read again, and written once", async () => {
    await repository();
    const place = openAnchors({ git: "tminus-audit" }, folder);
    expect(await place.read(signal)).toEqual([]);
    for (const each of [anchor(1), anchor(2), anchor(2)]) await place.write(each, signal);
    expect(new Set(await place.read(signal))).toEqual(new Set([anchor(1), anchor(2)]));
    expect(await git("cat-file", "-t", "tminus-audit/2")).toBe("tag");
    expect(await git("for-each-ref", "--format=%(contents:subject)", "refs/tags/tminus-audit/2")).toBe(
      JSON.stringify(anchor(2)),
    );
  });

  it("are never moved: another history under the same number is refused", async () => {
    await repository();
    const place = openAnchors({ git: "kept/audit" }, folder);
    await place.write(anchor(1), signal);
    for (const change of [{ hash: "f".repeat(64) }, { project: "other" }])
      await expect(place.write(anchor(1, change), signal)).rejects.toThrow(
        "the tag kept/audit/1 is there already",
      );
    expect(await place.read(signal)).toEqual([anchor(1)]);
  });

  it("cannot be written without a commit or a repository, and say so", async () => {
    const place = openAnchors({ git: "tminus-audit" }, folder);
    await expect(place.write(anchor(1), signal)).rejects.toThrow(
      /git for-each-ref failed: .*not a git repository/,
    );
    await expect(place.read(signal)).rejects.toThrow("not a git repository");
    await git("init", "--quiet");
    await expect(place.write(anchor(1), signal)).rejects.toThrow(/git tag failed/);
  });
});
