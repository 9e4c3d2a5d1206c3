import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CommandLine } from "../support/command-line.ts";
import { RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { openGithubEmulator, REPOSITORY, TOKEN, type GithubEmulator } from "../support/github-emulator.ts";
import { GitRepository } from "../support/git-repository.ts";
import { ReleaseProject } from "../support/release-project.ts";

const ROOM = { timeout: 240_000 };
const GATES = `  - { id: flow, kind: git.branch, environments: [production], with: { branch: main, flow: [{ from: "hotfix/*", to: main }] } }
  - { id: staged, kind: staging.verified, environments: [production] }
  - { id: unit, kind: command, environments: [production], with: { run: ["node", "-e", "process.exit(1)"] } }
`;

let project: ReleaseProject;
let github: GithubEmulator;
let repository: GitRepository;
let tminus: CommandLine;

beforeAll(async () => {
  github = await openGithubEmulator();
  project = await ReleaseProject.create({
    stages: stage("go", RELEASE_STEPS),
    environments: ["staging", "production"],
    gates: GATES,
    emergency: "{ keep: [flow, staged], watch: 1s }",
  });
  const scm = { kind: "github", repository: REPOSITORY, token: "env:GITHUB_TOKEN", url: github.url };
  appendFileSync(join(project.directory, "tminus.yaml"), `scm: ${JSON.stringify(scm)}\n`);
  writeFileSync(join(project.directory, ".gitignore"), ".tminus/\n*.log\n");
  repository = await GitRepository.create(project.directory);
  const remote = join(repository.home, "origin.git");
  await repository.git("commit", "-q", "--allow-empty", "-m", "before");
  await repository.git("branch", "-M", "main");
  await repository.git("branch", "dev");
  await repository.git("clone", "-q", "--bare", ".", remote);
  await repository.git("remote", "add", "origin", remote);
  await project.startWorker();
  const environment = project.environment({
    TMINUS_START_WORKER: "0",
    GITHUB_TOKEN: TOKEN,
    ...repository.environment,
  });
  tminus = new CommandLine(project.directory, environment);
}, 120_000);
afterAll(async () => {
  await tminus.close();
  await project.close();
  await github.close();
  repository.remove();
});

interface Printed {
  error?: { code: string; message: string };
  run?: { outcome: string };
  mergeBack?: { branch: string; targets: { branch: string; state: string; url?: string; reason?: string }[] };
}

async function deploy(environment: string, ...more: string[]): Promise<[number | undefined, unknown]> {
  const { exitCode, value } = await tminus.json<Printed>(
    "deploy",
    "--env",
    environment,
    "--release",
    "v2",
    ...more,
  );
  return [exitCode, value.error?.code ?? value.run?.outcome];
}

async function mergeBack(...more: string[]): Promise<[number | undefined, Printed]> {
  const into = ["--into", "main", "--into", "dev"];
  const { exitCode, value } = await tminus.json<Printed>(
    "merge-back",
    "--env",
    "production",
    ...into,
    ...more,
  );
  return [exitCode, value];
}

describe("a hotfix", ROOM, () => {
  it("goes from its branch to staging, then in an emergency to production with less asked, and is proposed for the branches that lack it, once", async () => {
    await repository.git("switch", "-q", "-c", "hotfix/price");
    repository.write("releases/v2/price.txt", "mended");
    await repository.git("add", "--all");
    await repository.git("commit", "-q", "-m", "Mend the price");
    const [unpushed, { error }] = await mergeBack();
    expect([unpushed, error?.message]).toEqual([2, "hotfix/price is not pushed as it is here"]);
    await repository.git("push", "-q", "origin", "hotfix/price");

    expect(
      (
        await tminus.run(
          "emergency",
          "--env",
          "production",
          "--for",
          "1h",
          "--reason",
          "prices are 0",
          "--by",
          "ann",
        )
      ).exitCode,
    ).toBe(0);
    // staging first, also in an emergency
    expect(await deploy("production", "--emergency")).toEqual([3, "PLAN_BLOCKED"]);
    expect(await deploy("staging")).toEqual([0, "succeeded"]);
    expect(await deploy("production")).toEqual([3, "PLAN_BLOCKED"]);
    expect(await deploy("production", "--emergency")).toEqual([0, "succeeded"]);

    for (const branch of ["hotfix/price", "dev"]) await github.branch(branch, await github.commit(branch));
    const states = ({ mergeBack: found }: Printed): unknown =>
      found?.targets.map(({ branch, state }) => [branch, state]);
    const [, dry] = await mergeBack("--dry-run");
    expect(states(dry)).toEqual([
      ["main", "missing"],
      ["dev", "missing"],
    ]);
    const [exitCode, opened] = await mergeBack();
    expect([exitCode, states(opened)]).toEqual([
      0,
      [
        ["main", "opened"],
        ["dev", "opened"],
      ],
    ]);
    const [, again] = await mergeBack();
    expect(states(again)).toEqual([
      ["main", "open"],
      ["dev", "open"],
    ]);
    expect(again.mergeBack?.targets.map(({ url }) => url)).toEqual(
      opened.mergeBack?.targets.map(({ url }) => url),
    );
    const [owner = "", repo = ""] = REPOSITORY.split("/");
    const { data } = await github.octokit().request("GET /repos/{owner}/{repo}/pulls", { owner, repo });
    expect(data.map(({ base, title }) => `${base.ref}: ${title}`).toSorted()).toEqual([
      "dev: Bring hotfix/price back into dev",
      "main: Bring hotfix/price back into main",
    ]);
    expect(data[0]?.body).toMatch(/- Mend the price\n[^]*first release v2: succeeded at .*\n[^]*undone/);

    await repository.git("switch", "-q", "main");
    await repository.git("merge", "-q", "hotfix/price");
    await repository.git("push", "-q", "origin", "main");
    await repository.git("switch", "-q", "hotfix/price");
    const [, merged] = await mergeBack();
    expect(states(merged)).toEqual([
      ["main", "contained"],
      ["dev", "open"],
    ]);
    const [refused, absent] = await mergeBack("--into", "gone");
    expect([refused, absent.mergeBack?.targets[2]]).toEqual([
      3,
      { branch: "gone", state: "refused", reason: "origin has no branch gone" },
    ]);
  });
});
