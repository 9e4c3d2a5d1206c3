import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { AnyGateKind } from "../../src/gates/define.ts";
import { run } from "../../src/lib/process.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { Verdict } from "../../src/model/verdict.ts";
import { gateContext, type GateContextOptions } from "./gate-context.ts";

/** A clone on main with one commit that its remote, a bare repository on this disk, has too. */
export interface GitProject {
  /** Where the clone, the remote and the home folder are. */
  readonly root: string;
  readonly directory: string;
  readonly environment: Record<string, string>;
  /** Runs git in the clone, or in another folder below the root. Resolves with the trimmed output. */
  git(args: readonly string[], folder?: string): Promise<string>;
  write(path: string, content: string, folder?: string): void;
  /** Writes a file and commits it; resolves with the commit. */
  commit(path: string, folder?: string): Promise<string>;
  /** Commits in a clone of somebody else and pushes to the branch. */
  commitElsewhere(branch: string): Promise<string>;
  /** Checks out, on main, a commit of which nothing but its own text is there. */
  adopt(text: string): Promise<string>;
  /** A shallow clone of the remote with the last commit alone, in `shallow`. */
  cloneShallow(): Promise<void>;
  check(
    kind: AnyGateKind,
    settings?: JsonObject,
    options?: CheckOptions,
  ): Promise<Verdict & { fix?: string }>;
  /** Every file below the root with its size and time of change. */
  snapshot(): string[];
  remove(): void;
}

export interface CheckOptions extends GateContextOptions {
  folder?: string;
}

const CONFIG = ["user.name=t", "user.email=t@example.com", "init.defaultBranch=main", "commit.gpgsign=false"];

export async function createGitProject(): Promise<GitProject> {
  const root = mkdtempSync(join(tmpdir(), "tminus-git-"));
  const environment = { PATH: process.env.PATH ?? "", HOME: root, GIT_CONFIG_NOSYSTEM: "1", TZ: "UTC" };
  const git: GitProject["git"] = async (args, folder = "repo") => {
    const settings = CONFIG.flatMap((setting) => ["-c", setting]);
    const ran = await run(["git", ...settings, ...args], {
      cwd: join(root, folder),
      env: environment,
      timeoutMs: 20_000,
    });
    if (ran.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${ran.startError ?? ran.output}`);
    return ran.output.trim();
  };
  const project: GitProject = {
    root,
    directory: join(root, "repo"),
    environment,
    git,
    write(path, content, folder = "repo") {
      const file = join(root, folder, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    },
    async commit(path, folder = "repo") {
      project.write(path, `${path}\n`, folder);
      await git(["add", "."], folder);
      await git(["commit", "-q", "-m", path], folder);
      return git(["rev-parse", "HEAD"], folder);
    },
    async commitElsewhere(branch) {
      await git(["clone", "-q", "-b", branch, "origin.git", "other"], ".");
      const commit = await project.commit("elsewhere.txt", "other");
      await git(["push", "-q", "origin", branch], "other");
      return commit;
    },
    async adopt(text) {
      project.write("../adopted", text);
      const commit = await git(["hash-object", "-t", "commit", "-w", "../adopted"]);
      await git(["update-ref", "refs/heads/main", commit]);
      return commit;
    },
    async cloneShallow() {
      await git(["clone", "-q", "--depth", "1", `file://${join(root, "origin.git")}`, "shallow"], ".");
    },
    async check(kind, settings = {}, { folder = "repo", ...options } = {}) {
      return kind.check(
        gateContext(kind, settings, {
          projectDirectory: join(root, folder),
          processEnvironment: environment,
          ...options,
        }),
      );
    },
    snapshot: () =>
      readdirSync(root, { recursive: true, encoding: "utf8" })
        .map((name) => ({ name, info: statSync(join(root, name)) }))
        .filter(({ info }) => info.isFile())
        .map(({ name, info }) => `${name} ${info.size} ${info.mtimeMs}`)
        .toSorted(),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
  await git(["init", "-q", "--bare", "origin.git"], ".");
  await git(["clone", "-q", "origin.git", "repo"], ".");
  await project.commit("a.txt");
  await git(["push", "-q", "-u", "origin", "main"]);
  return project;
}
