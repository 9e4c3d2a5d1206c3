import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { secretsTree } from "../../src/gates/secrets-tree.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { createFakeClock } from "../../src/testing/fake-clock.ts";
import { gateContext } from "../support/gate-context.ts";
import { GitRepository } from "../support/git-repository.ts";
import { databaseUrl, githubToken } from "../support/made-up-secrets.ts";

let repository: GitRepository;
beforeEach(async () => {
  repository = await GitRepository.create();
});
afterEach(() => repository.remove());

function check(settings: JsonObject = {}, folder = repository.folder, nowIso = "2026-11-27T10:00:00Z") {
  const context = gateContext(secretsTree, settings, {
    projectDirectory: folder,
    processEnvironment: repository.environment,
    world: { clock: createFakeClock({ start: new Date(nowIso) }) },
  });
  return secretsTree.check(context);
}

describe("the files", () => {
  it("pass when none has a secret, files that are no text included", async () => {
    await repository.commit({ "a.ts": "const port = 3000;\n", "logo.png": new Uint8Array([137, 80, 0, 1]) });
    expect(await check()).toMatchObject({
      verdict: "pass",
      reason: "no secret in 1 file",
      evidence: { files: 1, binary: 1, history: "not looked through" },
    });
  });

  it("fail with file, line, column and rule, and never with the secret", async () => {
    await repository.commit({ "src/a file.ts": `\n  const token = "${githubToken}";\n` });
    const outcome = await check();
    expect(outcome).toMatchObject({
      verdict: "fail",
      reason: "1 secret: src/a file.ts:2:18 github ghp_… (40 characters)",
    });
    expect(JSON.stringify(outcome)).not.toContain(githubToken);
  });

  it("are those of the whole repository, also when the project is a folder of it", async () => {
    await repository.commit({ "shop/tminus.yaml": "", "other/config.ts": `"${databaseUrl}"` });
    expect(await check({}, join(repository.folder, "shop"))).toMatchObject({
      verdict: "fail",
      reason: expect.stringContaining("other/config.ts:1:2 database-connection-string") as unknown,
    });
  });

  it("are those that git tracks: others are not looked at", async () => {
    await repository.commit({ "a.ts": "" });
    repository.write(".env", `TOKEN=${githubToken}\n`);
    expect(await check()).toMatchObject({ verdict: "pass" });
  });

  it("are read when an editor wrote them in UTF-16", async () => {
    await repository.commit({ "a.txt": Buffer.from(`\ufeffTOKEN=${githubToken}\n`, "utf16le") });
    expect(await check()).toMatchObject({ verdict: "fail" });
  });

  it("leave it undecided when one is not in the work tree, or is too large", async () => {
    await repository.commit({ "a.ts": "", "b.ts": "", "large.sql": "x".repeat(5 * 1024 * 1024 + 1) });
    rmSync(join(repository.folder, "b.ts"));
    expect(await check()).toMatchObject({
      verdict: "unknown",
      reason:
        "could not be looked through: b.ts: it is not in the work tree, large.sql: it has 5242881 bytes",
    });
  });

  it("leave it undecided where there is no repository, and without git", async () => {
    expect(await check({}, "/")).toMatchObject({ verdict: "unknown" });
    const context = gateContext(
      secretsTree,
      {},
      {
        projectDirectory: repository.folder,
        processEnvironment: { PATH: repository.folder },
      },
    );
    expect(await secretsTree.check(context)).toMatchObject({
      verdict: "unknown",
      reason: expect.stringContaining("git could not be started") as unknown,
    });
  });
});

describe("the history", () => {
  it("shows what one commit added and the next took away, with its line there", async () => {
    await repository.commit({ "a.ts": "one\ntwo\n" });
    await repository.git("tag", "v1");
    const guilty = await repository.commit({ "a.ts": `one\nx\n${githubToken}\ntwo\n` });
    await repository.commit({ "a.ts": "one\ntwo\n" });
    expect(await check()).toMatchObject({ verdict: "pass" });
    expect(await check({ since: "v1" })).toMatchObject({
      verdict: "fail",
      reason: `1 secret: a.ts:3:1 github ghp_… (40 characters) in commit ${guilty.slice(0, 12)}`,
    });
  });

  it("passes over what was there before, and what is named once already", async () => {
    await repository.commit({ "a.ts": githubToken });
    await repository.commit({ "a.ts": "" });
    await repository.git("tag", "v1");
    await repository.commit({ "b.ts": "clean" });
    expect(await check({ since: "v1" })).toMatchObject({
      verdict: "pass",
      evidence: { history: "since v1" },
    });
    await repository.commit({ "c.ts": githubToken });
    expect(await check({ since: "v1" })).toMatchObject({ verdict: "fail", evidence: { found: 1 } });
  });

  it("is read right whatever a person has configured, from the first commit on, with odd names and without a last line end", async () => {
    for (const [name, value] of [
      ["diff.noprefix", "true"],
      ["color.ui", "always"],
      ["log.showRoot", "false"],
      ["diff.external", "/bin/false"],
      ["diff.context", "5"],
    ] as const)
      await repository.git("config", name, value);
    const base = await repository.commit({ "a.ts": "same" });
    await repository.commit({ 'say "ü"/++ x.ts': "same\nold", "a.ts": "@@ -1 +1 @@\n+++ b/a.ts" });
    await repository.commit({ 'say "ü"/++ x.ts': `same\nnew\n${githubToken}` });
    await repository.commit({ 'say "ü"/++ x.ts': "same\nold" });
    expect(await check({ since: base })).toMatchObject({
      verdict: "fail",
      reason: expect.stringContaining('1 secret: say "ü"/++ x.ts:3:1 github') as unknown,
    });
  });

  it("is not asked for before there was a release", async () => {
    await repository.commit({ "a.ts": "" });
    expect(await check({ since: "{previous}" })).toMatchObject({
      verdict: "pass",
      evidence: { history: "not looked through: no release is live before this one" },
    });
  });

  it("leaves it undecided when the commit is unknown or the clone is shallow, also when an exception covers the rest", async () => {
    await repository.commit({ "a.ts": githubToken, "allowed.yaml": allow("2099-01-01") });
    const settings = { since: "v0", allowed: "allowed.yaml" };
    expect(await check(settings)).toMatchObject({
      verdict: "unknown",
      reason: "could not be looked through: the history: there is no commit v0 here",
    });
    await repository.git("clone", "-q", "--depth", "1", `file://${repository.folder}`, "shallow");
    expect(await check({ ...settings, since: "HEAD" }, join(repository.folder, "shallow"))).toMatchObject({
      verdict: "unknown",
      reason: expect.stringContaining("shallow") as unknown,
    });
  });
});

const allow = (until: string): string =>
  `- file: a.*\n  rule: github\n  sample: ghp_… (40 characters)\n  reason: made up\n  until: ${until}\n`;

describe("an exception", () => {
  it("lets a secret stay until the end of its last day, and says why", async () => {
    await repository.commit({ "a.ts": githubToken, "allowed.yaml": allow("2026-11-27") });
    const settings = { allowed: "allowed.yaml" };
    expect(await check(settings, undefined, "2026-11-27T23:59:59Z")).toMatchObject({
      verdict: "pass",
      reason: "no secret in 2 files, but 1 that may stay",
      evidence: { accepted: [{ reason: "made up", until: "2026-11-27" }] },
    });
    expect(await check(settings, undefined, "2026-11-28T00:00:00Z")).toMatchObject({
      verdict: "fail",
      reason: expect.stringContaining("1 secret (the exception of 1 has ended): a.ts:1:1") as unknown,
    });
  });

  it("covers neither another file nor another rule, and is named when nothing needs it", async () => {
    await repository.commit({
      "b.ts": githubToken,
      "a.ts": databaseUrl,
      "allowed.yaml": allow("2099-01-01"),
    });
    expect(await check({ allowed: "allowed.yaml" })).toMatchObject({
      verdict: "fail",
      evidence: { found: 2, accepted: [], unusedExceptions: ["a.* github"] },
    });
  });

  it("leaves it undecided when the list has a mistake, and says where", async () => {
    const list = "- file: a.ts\n  rule: github\n  reason: made up\n  until: soon\n- file: b.ts\n  rul: x\n";
    await repository.commit({ "allowed.yaml": list });
    const outcome = await check({ allowed: "allowed.yaml" });
    expect(outcome).toMatchObject({ verdict: "unknown" });
    expect(outcome.reason).toMatch(/^allowed\.yaml:4:10 until: .*; allowed\.yaml:5:3 rule: /);
    expect(await check({ allowed: "none.yaml" })).toMatchObject({
      verdict: "unknown",
      reason: "none.yaml does not exist",
    });
  });
});
