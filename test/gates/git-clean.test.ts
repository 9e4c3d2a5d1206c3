import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { gitClean } from "../../src/gates/git-clean.ts";
import { run } from "../../src/lib/process.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { gateContext } from "../support/gate-context.ts";

let directory: string;
const environment = (): Record<string, string> => ({
  PATH: process.env.PATH ?? "",
  HOME: directory,
  GIT_CONFIG_NOSYSTEM: "1",
});

async function git(...args: string[]): Promise<void> {
  const author = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
  const ran = await run(["git", ...author, ...args], {
    cwd: join(directory, "repo"),
    env: environment(),
    timeoutMs: 20_000,
  });
  if (ran.exitCode !== 0) throw new Error(ran.output);
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "tminus-git-"));
  mkdirSync(join(directory, "repo"));
  await git("init", "-q");
  writeFileSync(join(directory, "repo", "a.txt"), "one\n");
  await git("add", ".");
  await git("commit", "-q", "-m", "first");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const check = (settings: JsonObject = {}, folder = "repo", env = environment()) =>
  gitClean.check(
    gateContext(gitClean, settings, { projectDirectory: join(directory, folder), processEnvironment: env }),
  );

it("passes on a clean tree, on the branch asked for", async () => {
  expect(await check()).toMatchObject({ verdict: "pass", reason: "clean on main" });
  expect(await check({ branch: "main" })).toMatchObject({ verdict: "pass" });
});

it("fails on another branch, and when none is checked out", async () => {
  expect(await check({ branch: "release" })).toMatchObject({
    verdict: "fail",
    reason: "on main, not on release",
    fix: "run git switch release",
  });
  await git("checkout", "-q", "--detach");
  expect(await check({ branch: "main" })).toMatchObject({
    verdict: "fail",
    reason: "no branch is checked out, main is wanted",
  });
  expect(await check()).toMatchObject({ verdict: "pass", reason: "clean" });
});

it("fails on changed and on untracked files, and names them", async () => {
  writeFileSync(join(directory, "repo", "a.txt"), "two\n");
  writeFileSync(join(directory, "repo", "new file.txt"), "");
  expect(await check()).toMatchObject({ verdict: "fail", reason: "uncommitted: a.txt, new file.txt" });
});

it("names at most ten files", async () => {
  for (let n = 10; n < 23; n++) writeFileSync(join(directory, "repo", `n${n}`), "");
  expect((await check()).reason).toMatch(/^uncommitted: n10, .*, n19 and 3 more$/);
});

it("is undecided outside a repository and without git", async () => {
  mkdirSync(join(directory, "plain"));
  expect(await check({}, "plain")).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("not a git work tree") as unknown,
  });
  const nowhere = { ...environment(), PATH: directory };
  expect(await check({}, "repo", nowhere)).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("git could not be run") as unknown,
  });
});

it("writes nothing, not even git's index, although the file's time changed", async () => {
  const index = join(directory, "repo", ".git", "index");
  writeFileSync(join(directory, "repo", "a.txt"), "one\n");
  const before = { content: readFileSync(index), mtimeMs: statSync(index).mtimeMs };
  expect((await check()).verdict).toBe("pass");
  expect({ content: readFileSync(index), mtimeMs: statSync(index).mtimeMs }).toEqual(before);
});
