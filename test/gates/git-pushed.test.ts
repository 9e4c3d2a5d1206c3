import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { gitPushed } from "../../src/gates/git-pushed.ts";
import { createGitProject, type GitProject } from "../support/git-project.ts";

let project: GitProject;
beforeEach(async () => {
  project = await createGitProject();
});
afterEach(() => project.remove());

it("passes when the remote has the commit, as the head of the branch or further back", async () => {
  expect(await project.check(gitPushed)).toMatchObject({
    verdict: "pass",
    reason: expect.stringMatching(/^[0-9a-f]{10} is the head of main of origin$/) as unknown,
  });
  await project.commit("b.txt");
  await project.git(["push", "-q"]);
  await project.git(["checkout", "-q", "HEAD~1"]);
  expect(await project.check(gitPushed, { branch: "main" })).toMatchObject({
    verdict: "pass",
    reason: expect.stringMatching(/is in main of origin$/) as unknown,
  });
});

it("fails on a commit that was not pushed, and says how many there are", async () => {
  await project.commit("b.txt");
  await project.commit("c.txt");
  expect(await project.check(gitPushed)).toMatchObject({
    verdict: "fail",
    reason: "2 commits not pushed to main of origin",
    fix: "run git push origin HEAD:main",
  });
});

it("fails when the remote has no such branch, also one that ends like another", async () => {
  await project.git(["push", "-q", "origin", "main:refs/heads/x/refs/heads/topic"]);
  await project.git(["switch", "-q", "-c", "topic"]);
  expect(await project.check(gitPushed)).toMatchObject({
    verdict: "fail",
    reason: "origin has no branch topic",
  });
});

it("looks at the upstream of the branch, whatever its name is there", async () => {
  await project.git(["switch", "-q", "-c", "mine", "--track", "origin/main"]);
  expect(await project.check(gitPushed)).toMatchObject({
    verdict: "pass",
    reason: expect.stringContaining("main of origin") as unknown,
  });
});

it("fails before the first commit", async () => {
  await project.git(["init", "-q", "empty"], ".");
  expect(await project.check(gitPushed, {}, { folder: "empty" })).toMatchObject({
    verdict: "fail",
    reason: "nothing was ever committed",
  });
});

it("asks the remote itself, not what is remembered of it", async () => {
  const pushed = await project.commit("b.txt");
  await project.git(["push", "-q"]);
  await project.git(["update-ref", "refs/heads/main", `${pushed}~1`], "origin.git");
  expect(await project.check(gitPushed)).toMatchObject({
    verdict: "fail",
    reason: "1 commit not pushed to main of origin",
  });
});

it("is undecided when the remote went on to a commit that is not here", async () => {
  await project.commitElsewhere("main");
  expect(await project.check(gitPushed)).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("which is not here") as unknown,
    fix: "run git fetch origin",
  });
});

it("is undecided when the remote is not configured, or is gone", async () => {
  expect(await project.check(gitPushed, { remote: "upstream" })).toMatchObject({ verdict: "unknown" });
  rmSync(join(project.root, "origin.git"), { recursive: true });
  expect(await project.check(gitPushed)).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("the remote origin did not answer") as unknown,
  });
});

it("does not repeat a password of the remote's address", async () => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as { port: number };
  await project.git(["remote", "set-url", "origin", `http://bot:hunter2@127.0.0.1:${port}/x.git`]);
  const verdict = await project.check(gitPushed);
  server.close();
  expect(verdict.verdict).toBe("unknown");
  expect(JSON.stringify(verdict)).not.toContain("hunter2");
});

it("is undecided on a detached head without a branch named", async () => {
  await project.git(["checkout", "-q", "--detach"]);
  expect(await project.check(gitPushed)).toMatchObject({
    verdict: "unknown",
    fix: "name the branch under with.branch, or check one out",
  });
});

it("is undecided in a shallow clone whose history does not reach back", async () => {
  const first = await project.git(["rev-parse", "HEAD"]);
  await project.commit("b.txt");
  await project.git(["push", "-q"]);
  await project.cloneShallow();
  await project.git(["fetch", "-q", "--depth", "1", "origin", first], "shallow");
  await project.git(["checkout", "-q", first], "shallow");
  expect(await project.check(gitPushed, { branch: "main" }, { folder: "shallow" })).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("the clone is shallow") as unknown,
  });
});

it("writes nothing, neither here nor at the remote", async () => {
  await project.commit("b.txt");
  const before = project.snapshot();
  await project.check(gitPushed);
  expect(project.snapshot()).toEqual(before);
});

it("stops when it is aborted", async () => {
  const stopping = new AbortController();
  stopping.abort(new Error("enough"));
  await expect(project.check(gitPushed, {}, { signal: stopping.signal })).rejects.toThrow("enough");
});
