import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { gitMigrationsCommitted } from "../../src/gates/git-migrations-committed.ts";
import { createGitProject, type GitProject } from "../support/git-project.ts";

let project: GitProject;
const check = (directories: string[], folder?: string) =>
  project.check(gitMigrationsCommitted, { directories }, folder === undefined ? {} : { folder });

beforeEach(async () => {
  project = await createGitProject();
  await project.commit("db/migrations/1_a.sql");
});
afterEach(() => project.remove());

it("passes when every file there is committed, whatever else is not", async () => {
  project.write("notes.txt", "");
  expect(await check(["db/migrations"])).toMatchObject({
    verdict: "pass",
    reason: "1 file is committed",
    evidence: { files: { "db/migrations": 1 } },
  });
});

it("fails on a file that is untracked, changed, staged or deleted", async () => {
  project.write("db/migrations/2_b.sql", "");
  expect(await check(["db/migrations"])).toMatchObject({
    verdict: "fail",
    reason: "not committed: db/migrations/2_b.sql",
    fix: "commit these files",
  });
  await project.git(["add", "."]);
  expect(await check(["db/migrations"])).toMatchObject({ verdict: "fail" });
  await project.git(["commit", "-q", "-m", "b"]);
  project.write("db/migrations/1_a.sql", "changed");
  expect(await check(["db/migrations"])).toMatchObject({ verdict: "fail" });
  rmSync(join(project.directory, "db"), { recursive: true });
  expect(await check(["db/migrations"])).toMatchObject({
    verdict: "fail",
    reason: "not committed: db/migrations/1_a.sql, db/migrations/2_b.sql",
  });
});

it("fails on a file that git was told to ignore", async () => {
  project.write(".gitignore", "*_local.sql\n");
  project.write("db/migrations/3_local.sql", "");
  expect(await check(["db/migrations"])).toMatchObject({
    verdict: "fail",
    reason: "not committed: db/migrations/3_local.sql",
  });
});

it("takes a folder's name as it is, not as a pattern", async () => {
  await project.commit("x[1]/1.sql");
  project.write("x1/2.sql", "");
  expect(await check(["x[1]"])).toMatchObject({ verdict: "pass" });
});

it("looks below the project's folder, also where that is not the root of the repository", async () => {
  await project.commit("app/sql/1.sql");
  project.write("app/sql/2.sql", "");
  expect(await check(["sql"], "repo/app")).toMatchObject({
    verdict: "fail",
    reason: "not committed: app/sql/2.sql",
  });
});

it("is undecided about a folder without files, one outside the project, and without git", async () => {
  expect(await check(["db/migration"])).toMatchObject({
    verdict: "unknown",
    reason: "there is no file below db/migration",
  });
  expect(await check(["../origin.git"])).toMatchObject({
    verdict: "unknown",
    reason: "../origin.git leads out of the project",
  });
  const processEnvironment = { ...project.environment, PATH: project.root };
  expect(
    await project.check(gitMigrationsCommitted, { directories: ["db/migrations"] }, { processEnvironment }),
  ).toMatchObject({ verdict: "unknown", fix: "install git" });
});
