import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gitSigned } from "../../src/gates/git-signed.ts";
import { run } from "../../src/lib/process.ts";
import { createGitProject, type GitProject } from "../support/git-project.ts";

let project: GitProject;
beforeEach(async () => {
  project = await createGitProject();
});
afterEach(() => project.remove());

const program = async (argv: string[], env: Record<string, string>): Promise<string> => {
  const ran = await run(argv, { env, timeoutMs: 30_000 });
  if (ran.exitCode !== 0) throw new Error(`${argv.join(" ")}: ${ran.startError ?? ran.output}`);
  return ran.output;
};
const isThere = async (argv: string[]): Promise<boolean> =>
  (await run(argv, { timeoutMs: 10_000 })).startError === undefined;

const signed = (name: string, key?: string): Promise<string> => {
  const settings = key === undefined ? [] : ["-c", `user.signingkey=${key}`];
  return project.git([...settings, "commit", "-q", "-S", "--allow-empty", "-m", name]);
};

/** The checked-out commit with another message under the same signature. */
async function tamper(): Promise<void> {
  const content = await project.git(["cat-file", "commit", "HEAD"]);
  project.write("../forged", `${content.replace(/\n\n[^]*$/, "\n\nforged")}\n`);
  const forged = await project.git(["hash-object", "-t", "commit", "-w", "../forged"]);
  await project.git(["reset", "-q", "--hard", forged]);
}

it("fails on a commit without a signature", async () => {
  expect(await project.check(gitSigned)).toMatchObject({
    verdict: "fail",
    reason: expect.stringMatching(/^[0-9a-f]{10} is not signed$/) as unknown,
    evidence: { commits: 1, good: 0, bad: 1, unclear: 0 },
  });
});

it("refuses a number together with a start", () => {
  expect(gitSigned.schema.safeParse({ commits: 2, since: "v1" }).success).toBe(false);
});

it("is undecided about commits since one that is not here", async () => {
  expect(await project.check(gitSigned, { since: "{previous}" })).toMatchObject({
    verdict: "unknown",
    reason: "there is no commit {previous} here",
  });
  expect(await project.check(gitSigned, { since: "--all" })).toMatchObject({ verdict: "unknown" });
});

it("is undecided in a shallow clone that does not have the commits", async () => {
  await project.git(["tag", "v1"]);
  await project.commit("b.txt");
  await project.git(["push", "-q", "origin", "main", "v1"]);
  await project.cloneShallow();
  expect(await project.check(gitSigned, { commits: 2 }, { folder: "shallow" })).toMatchObject({
    verdict: "unknown",
    reason: "the clone is shallow: only 1 of 2 commits are here",
  });
  await project.git(["fetch", "-q", "--depth", "1", "origin", "tag", "v1"], "shallow");
  expect(await project.check(gitSigned, { since: "v1" }, { folder: "shallow" })).toMatchObject({
    verdict: "unknown",
    reason: "the clone is shallow: the commits since v1 may not all be here",
  });
});

describe.skipIf(!(await isThere(["ssh-keygen", "-?"])))("with keys of ssh", () => {
  beforeEach(async () => {
    for (const name of ["ann", "ben"]) {
      const argv = [
        "ssh-keygen",
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-C",
        name,
        "-f",
        join(project.root, name),
      ];
      await program(argv, project.environment);
    }
    const publicKey = await program(["cat", join(project.root, "ann.pub")], project.environment);
    project.write("../allowed", `ann@example.com ${publicKey}`);
    await project.git(["config", "gpg.format", "ssh"]);
    await project.git(["config", "user.signingkey", join(project.root, "ann.pub")]);
    await project.git(["config", "gpg.ssh.allowedSignersFile", join(project.root, "allowed")]);
  });

  it("passes on the last commits, and on those since a tag, and says who signed", async () => {
    await project.git(["tag", "v1"]);
    expect(await project.check(gitSigned, { since: "v1" })).toMatchObject({
      verdict: "pass",
      reason: "no commit since v1",
    });
    await signed("one");
    await signed("two");
    expect(await project.check(gitSigned, { commits: 2 })).toMatchObject({
      verdict: "pass",
      reason: "2 commits are signed by ann@example.com",
    });
    expect(await project.check(gitSigned, { since: "v1" })).toMatchObject({ evidence: { good: 2 } });
    expect(await project.check(gitSigned, { commits: 3 })).toMatchObject({
      verdict: "fail",
      evidence: { commits: 3, good: 2, bad: 1 },
    });
  });

  it("fails on a commit that was changed after it was signed", async () => {
    await signed("one");
    await tamper();
    expect(await project.check(gitSigned)).toMatchObject({
      verdict: "fail",
      reason: expect.stringContaining("has a wrong signature") as unknown,
    });
  });

  it("looks at the commit itself, not at a signed one that replaces it here", async () => {
    await project.commit("b.txt");
    const unsigned = await project.git(["rev-parse", "HEAD"]);
    await signed("one");
    await project.git(["replace", unsigned, "HEAD"]);
    await project.git(["reset", "-q", "--soft", unsigned]);
    expect(await project.check(gitSigned)).toMatchObject({
      verdict: "fail",
      reason: `${unsigned.slice(0, 10)} is not signed`,
    });
  });

  it("is undecided about a key that nobody named", async () => {
    await signed("one", join(project.root, "ben.pub"));
    expect(await project.check(gitSigned)).toMatchObject({
      verdict: "unknown",
      reason: expect.stringMatching(/is signed by a key that is not known here \(SHA256:/) as unknown,
    });
  });

  it("is undecided when git does not know whom to trust, or cannot run what checks", async () => {
    await signed("one");
    await project.git(["config", "--unset", "gpg.ssh.allowedSignersFile"]);
    expect(await project.check(gitSigned)).toMatchObject({
      verdict: "unknown",
      reason: expect.stringContaining("git is not set up to check that signature") as unknown,
    });
    await project.git(["config", "gpg.ssh.allowedSignersFile", join(project.root, "allowed")]);
    await project.git(["config", "gpg.ssh.program", join(project.root, "no-such-program")]);
    expect(await project.check(gitSigned)).toMatchObject({
      verdict: "unknown",
      reason: expect.stringContaining("could not be checked") as unknown,
    });
  });

  it("reads the verdicts also where git is set up to show signatures", async () => {
    await signed("one");
    await project.git(["config", "log.showSignature", "true"]);
    expect(await project.check(gitSigned)).toMatchObject({ verdict: "pass" });
  });
});

describe.skipIf(!(await isThere(["gpg", "--version"])))("with keys of gpg", () => {
  let home: string;
  const gpg = (...args: string[]) =>
    program(["gpg", "--batch", "--quiet", "--homedir", home, ...args], project.environment);
  beforeEach(async () => {
    home = join(project.root, ".gnupg");
    mkdirSync(home, { mode: 0o700 });
    await gpg("--passphrase", "", "--quick-gen-key", "ann@example.com", "ed25519", "sign", "never");
    await project.git(["config", "user.signingkey", "ann@example.com"]);
  });
  afterEach(async () => {
    await program(["gpgconf", "--homedir", home, "--kill", "all"], project.environment);
  });

  it("passes on a good signature, and fails on a commit that was changed after it", async () => {
    await signed("one");
    expect(await project.check(gitSigned)).toMatchObject({
      verdict: "pass",
      reason: "1 commit is signed by ann@example.com",
    });
    await tamper();
    expect(await project.check(gitSigned)).toMatchObject({
      verdict: "fail",
      reason: expect.stringContaining("has a wrong signature") as unknown,
    });
  });

  it("is undecided about a key that is not in the keyring", async () => {
    await signed("one");
    const processEnvironment = { ...project.environment, GNUPGHOME: join(project.root, "other-keys") };
    mkdirSync(processEnvironment.GNUPGHOME, { mode: 0o700 });
    expect(await project.check(gitSigned, {}, { processEnvironment })).toMatchObject({
      verdict: "unknown",
      reason: expect.stringContaining("is signed by a key that is not known here") as unknown,
    });
  });
});
