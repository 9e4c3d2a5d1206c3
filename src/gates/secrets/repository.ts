import type { GateContext } from "../../model/gate-kind.ts";
import { capture } from "../capture.ts";

type Context = Pick<GateContext<unknown>, "projectDirectory" | "processEnvironment" | "signal" | "redact">;

/** What git answered, or why nothing can be said of the repository. */
export type Asked<T> = { state: "answered"; value: T } | { state: "silent"; reason: string };

export interface TrackedFile {
  /** From the root of the repository. */
  path: string;
  /** Link and submodule have no content of their own here. */
  kind: "file" | "link" | "submodule";
}

const LIMIT_MS = 120_000;
/** A history that prints more is not looked through; the reason says so. */
const MAX_OUTPUT = 128 * 1024 * 1024;

const QUIET = { GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0", GIT_NO_LAZY_FETCH: "1", LC_ALL: "C" };

/** The git repository that the project is in, all of it. It is only read: no lock, no hook, no fetch, no question. */
export class Repository {
  /** Of the work tree. */
  readonly root: string;
  readonly #context: Context;

  private constructor(root: string, context: Context) {
    this.root = root;
    this.#context = context;
  }

  static async find(context: Context): Promise<Asked<Repository>> {
    const answer = await git(context, context.projectDirectory, ["rev-parse", "--show-toplevel"]);
    if (answer.state === "silent") return answer;
    return { state: "answered", value: new Repository(answer.value.replace(/\n$/, ""), context) };
  }

  /** Every file of git's index, which is what the next commit holds. */
  async trackedFiles(): Promise<Asked<TrackedFile[]>> {
    const answer = await this.git(["ls-files", "--stage", "-z"]);
    if (answer.state === "silent") return answer;
    const files = answer.value.split("\0").flatMap((entry): TrackedFile[] => {
      const [, mode, path] = /^(\d+) \S+ \d\t(.*)$/s.exec(entry) ?? [];
      if (mode === undefined || path === undefined) return [];
      return [{ path, kind: mode === "160000" ? "submodule" : mode === "120000" ? "link" : "file" }];
    });
    return { state: "answered", value: files };
  }

  /** What a revision names: undefined when there is no such commit. */
  async commit(revision: string): Promise<string | undefined> {
    const answer = await this.git([
      "rev-parse",
      "--verify",
      "--quiet",
      "--end-of-options",
      `${revision}^{commit}`,
    ]);
    return answer.state === "answered" ? answer.value.trim() : undefined;
  }

  /** Standard output of a git command that ends with 0. */
  git(args: readonly string[]): Promise<Asked<string>> {
    return git(this.#context, this.root, args);
  }
}

async function git(context: Context, cwd: string, args: readonly string[]): Promise<Asked<string>> {
  const argv = ["git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", ...args];
  const answer = await capture(context, argv, {
    cwd,
    env: { ...context.processEnvironment, ...QUIET },
    timeoutMs: LIMIT_MS,
    maxBytes: MAX_OUTPUT,
  });
  if (answer.state === "silent") return answer;
  if (answer.exitCode === 0) return { state: "answered", value: answer.stdout };
  return { state: "silent", reason: context.redact(`git failed: ${answer.stderr.split("\n", 1)[0]!}`) };
}
