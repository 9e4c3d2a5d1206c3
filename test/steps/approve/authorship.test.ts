import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findAuthorship } from "../../../src/steps/approve/authorship.ts";
import type { AuthorshipPart } from "../../../src/steps/approve/facts.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tminus-authors-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function git(...args: string[]): string {
  return gitAs("ann", "ann", ...args);
}

function gitAs(author: string, committer: string, ...args: string[]): string {
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    GIT_AUTHOR_NAME: author,
    GIT_AUTHOR_EMAIL: `${author}@example.com`,
    GIT_COMMITTER_NAME: committer,
    GIT_COMMITTER_EMAIL: committer === "GitHub" ? "noreply@github.com" : `${committer}@example.com`,
  };
  return execFileSync("git", args, { cwd: folder, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** A commit by `author` that writes the file. */
function commit(author: string, file: string, message = "change", committer = author): void {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${author} ${message}\n`, { flag: "a" });
  git("add", "-A");
  gitAs(author, committer, "commit", "-q", "-m", message);
}

/** v1 by ann, v2 with commits of bob and eve; the runbook is ann's. */
function repository(): void {
  git("init", "-q", "-b", "main");
  commit("ann", "tminus.yaml");
  git("tag", "v1");
  commit("bob", "app.js");
  commit("eve", "migrations/1.sql");
  git("tag", "v2");
}

const find = (change: Partial<Parameters<typeof findAuthorship>[0]> = {}) =>
  findAuthorship({
    directory: folder,
    commit: "v2",
    since: "v1",
    migrations: undefined,
    runbookFile: "tminus.yaml",
    signal: new AbortController().signal,
    ...change,
  });

const names = (part: AuthorshipPart): string[] =>
  "people" in part ? part.people.map(({ name }) => name) : [`? ${part.unknown}`];

describe("the authors of a release", () => {
  it("are those of the commits since the release before, of migrations, and of the runbook's last edit", async () => {
    repository();
    const found = await find();
    expect(found.range).toBe("since v1");
    expect(found.authors).toEqual({
      people: [
        { name: "bob", email: "bob@example.com" },
        { name: "eve", email: "eve@example.com" },
      ],
    });
    expect(names(found.migrationAuthors)).toEqual(["eve"]);
    expect(names(found.configEditors)).toEqual(["ann"]);
    expect(names((await find({ migrations: ["app.js"] })).migrationAuthors)).toEqual(["bob"]);
  });

  it("are all of the history when nothing was live before", async () => {
    repository();
    expect(names((await find({ since: undefined })).authors)).toEqual(["ann", "bob", "eve"]);
  });

  it("are also who committed or merged it, or is named as co-author, but not GitHub itself", async () => {
    repository();
    commit(
      "bob",
      "app.js",
      "fix\n\nCo-authored-by: Kim Lee <kim@example.com>\nco-authored-by: Lou <lou@example.com>",
      "zoe",
    );
    commit("max", "web.js", "squashed", "GitHub");
    git("switch", "-q", "-c", "side", "v1");
    commit("sam", "side.js");
    git("switch", "-q", "main");
    gitAs("mia", "mia", "merge", "-q", "--no-ff", "side", "-m", "merge");
    const found = await find({ commit: "HEAD" });
    expect(names(found.authors)).toEqual(["Kim Lee", "Lou", "bob", "eve", "max", "mia", "sam", "zoe"]);
  });

  it("are those of what is taken back, when an older or another line is deployed", async () => {
    repository();
    expect(names((await find({ commit: "v1", since: "v2" })).authors)).toEqual(["bob", "eve"]);
    git("switch", "-q", "-c", "side", "v1");
    commit("sam", "side.js");
    expect(names((await find({ commit: "side", since: "v2" })).authors)).toEqual(["bob", "eve", "sam"]);
  });

  it("do not hide behind a mailmap or a replaced commit", async () => {
    repository();
    commit("eve", ".mailmap");
    writeFileSync(join(folder, ".mailmap"), "nobody <no@example.com> bob <bob@example.com>\n");
    git("commit", "-aqm", "map");
    git("replace", "v2~1", "v1");
    expect(names((await find()).authors)).toEqual(["bob", "eve"]);
  });
});

describe("authors are not known", () => {
  it("outside a git repository", async () => {
    const { authors, migrationAuthors, configEditors } = await find();
    for (const part of [authors, migrationAuthors, configEditors])
      expect(names(part)[0]).toMatch(/^\? .*not a git repository/);
  });

  it("when git knows no such release", async () => {
    repository();
    expect(names((await find({ commit: "v3" })).authors)).toEqual(["? git knows no commit v3"]);
    expect(names((await find({ since: "v0" })).migrationAuthors)).toEqual(["? git knows no commit v0"]);
    expect(names((await find({ commit: "--all" })).authors)).toEqual(["? git knows no commit --all"]);
    expect(names((await find({ commit: "v3" })).configEditors)).toEqual(["ann"]);
  });

  it("of a shallow clone, whose history is cut off", async () => {
    repository();
    git("clone", "-q", "--depth", "1", `file://${folder}`, "clone");
    const { authors } = await find({ directory: join(folder, "clone"), commit: "HEAD", since: "HEAD" });
    expect(names(authors)).toEqual(["? this clone is shallow: run git fetch --unshallow"]);
  });

  it("of what is not committed", async () => {
    repository();
    writeFileSync(join(folder, "tminus.yaml"), "edited\n");
    const found = await find();
    expect(names(found.configEditors)).toEqual(["? tminus.yaml has changes that are not committed"]);
    expect(names(found.authors)).toEqual(["? v2 is checked out with changes that are not committed"]);
    expect(names((await find({ runbookFile: "new.yaml" })).configEditors)).toEqual([
      "? git has no commit of new.yaml",
    ]);
  });
});
