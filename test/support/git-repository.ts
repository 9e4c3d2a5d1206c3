import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { run } from "../../src/lib/process.ts";

/** A real git repository in a folder of its own, which no configuration of this machine reaches. */
export class GitRepository {
  readonly folder: string;
  /** Of git's own configuration; there is room for a remote, too. */
  readonly home: string;

  private constructor(home: string, folder: string) {
    this.home = home;
    this.folder = folder;
  }

  /** In a new folder, or in one that is there and stays when the repository is removed. */
  static async create(folder?: string): Promise<GitRepository> {
    const home = mkdtempSync(join(tmpdir(), "tminus-repository-"));
    const repository = new GitRepository(home, folder ?? join(home, "repository"));
    mkdirSync(repository.folder, { recursive: true });
    await repository.git("init", "-q");
    return repository;
  }

  get environment(): Record<string, string> {
    return { PATH: process.env.PATH ?? "", HOME: this.home, GIT_CONFIG_NOSYSTEM: "1" };
  }

  /** Standard output and error of a git command. Throws when it fails. */
  async git(...args: string[]): Promise<string> {
    const author = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
    const ran = await run(["git", ...author, ...args], {
      cwd: this.folder,
      env: this.environment,
      timeoutMs: 20_000,
    });
    if (ran.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${ran.output}`);
    return ran.output.trim();
  }

  write(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), content);
  }

  /** Writes files and commits everything. Returns the commit. */
  async commit(files: Record<string, string | Uint8Array>): Promise<string> {
    for (const [path, content] of Object.entries(files)) this.write(path, content);
    await this.git("add", "--all", "--force");
    await this.git("commit", "-q", "--allow-empty", "-m", "a commit\n\n+++ b/not-a-file");
    return this.git("rev-parse", "HEAD");
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}
