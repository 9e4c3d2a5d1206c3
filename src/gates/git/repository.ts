import { hasCode, TminusError } from "../../errors.ts";
import { lastLines } from "../../lib/output-tail.ts";
import { run } from "../../lib/process.ts";
import type { GateContext, GateVerdict } from "../../model/gate-kind.ts";
import type { Observed } from "../../model/verdict.ts";
import { unknown } from "../unknown.ts";

/** What git said: a command that ends with another exit code than 0 is an answer, too. */
export interface GitAnswer {
  exitCode: number;
  stdout: string;
  /** Both streams, the last 256 kB. */
  output: string;
  /** The first line that it printed, on either stream, for people. */
  said: string;
}

/**
 * Reads one git work tree. Nothing is written: no fetch, no optional locks, no hook, no missing object fetched from a
 * partial clone's remote. Commits are what they are, not what git replace puts in their place. Every method throws GIT_SILENT when git could not be run or its answer is not understood.
 */
export interface Repository {
  /** timeoutMs: 30 s when left out. */
  git(args: readonly string[], timeoutMs?: number): Promise<GitAnswer>;
  /** The commit that is checked out; undefined before the first one. */
  head(): Promise<string | undefined>;
  /** The branch that is checked out; undefined when HEAD is detached. */
  branch(): Promise<string | undefined>;
  /** Where the remote has the branch now, by asking it. */
  remoteHead(remote: string, branch: string): Promise<Observed<string>>;
  /** Whether `commit` is in the history of `of`, as far as the objects here tell. */
  contains(of: string, commit: string): Promise<Contained>;
  /** Whether the history here was cut off by a shallow clone. */
  isShallow(): Promise<boolean>;
}

/** missing: one of the two commits is not here. cut-off: not in the part of the history that a shallow clone has. */
export type Contained = "yes" | "no" | "missing" | "cut-off";

type Context = Pick<GateContext<unknown>, "projectDirectory" | "processEnvironment" | "signal" | "redact">;

const GIT_LIMIT_MS = 30_000;
const MAX_STDOUT = 4 * 1024 * 1024;
/** In front of a host, where an address holds a user's name and password. */
const CREDENTIALS = /\/\/[^\s/@]+@/g;

/** Lets `decide` read the project's work tree; where there is none, or git does not answer, the verdict is unknown. */
export async function inRepository(
  context: Context,
  decide: (repository: Repository) => Promise<GateVerdict>,
): Promise<GateVerdict> {
  const repository = openRepository(context);
  try {
    const inside = await repository.git(["rev-parse", "--is-inside-work-tree"]);
    if (inside.exitCode !== 0 || inside.stdout.trim() !== "true")
      return unknown(`not a git work tree: ${inside.said}`, "run it inside a clone");
    return await decide(repository);
  } catch (error) {
    if (!hasCode(error, "GIT_SILENT")) throw error;
    return unknown(error.message, error.hint);
  }
}

/** The digits of a commit that people read. */
export function shortCommit(commit: string): string {
  return commit.slice(0, 10);
}

/** "1 commit", "3 commits". */
export function commits(count: number): string {
  return `${count} commit${count === 1 ? "" : "s"}`;
}

/** The work tree in the project's folder, whether or not there is one. */
export function openRepository(context: Context): Repository {
  const git = (args: readonly string[], timeoutMs = GIT_LIMIT_MS): Promise<GitAnswer> =>
    runGit(context, args, timeoutMs);
  const isShallow = async (): Promise<boolean> =>
    expectOutput(await git(["rev-parse", "--is-shallow-repository"])) === "true";
  return {
    git,
    isShallow,
    async head() {
      const found = await git(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
      return found.exitCode === 0 ? found.stdout.trim() : undefined;
    },
    async branch() {
      const found = await git(["symbolic-ref", "--short", "--quiet", "HEAD"]);
      return found.exitCode === 0 ? found.stdout.trim() : undefined;
    },
    async remoteHead(remote, branch) {
      const name = `refs/heads/${branch}`;
      const asked = await git(["ls-remote", "--heads", "--", remote, name]);
      if (asked.exitCode !== 0)
        return { state: "unknown", reason: `the remote ${remote} did not answer: ${asked.said}` };
      const lines = asked.stdout.split("\n").map((line) => line.split("\t"));
      const found = lines.find(([, ref]) => ref === name)?.[0];
      return found === undefined ? { state: "absent" } : { state: "present", value: found };
    },
    async contains(of, commit) {
      for (const id of [of, commit])
        if ((await git(["cat-file", "-e", `${id}^{commit}`])).exitCode !== 0) return "missing";
      const answer = await git(["merge-base", "--is-ancestor", commit, of]);
      if (answer.exitCode === 0) return "yes";
      if (answer.exitCode !== 1) throw silent(`git merge-base failed: ${answer.said}`);
      return (await isShallow()) ? "cut-off" : "no";
    },
  };
}

/** The trimmed output of a command that must succeed. Throws GIT_SILENT. */
export function expectOutput(answer: GitAnswer): string {
  if (answer.exitCode !== 0) throw silent(`git failed: ${answer.said}`);
  return answer.stdout.trim();
}

async function runGit(context: Context, args: readonly string[], timeoutMs: number): Promise<GitAnswer> {
  let stdout = "";
  const ran = await run(["git", "--literal-pathspecs", "-c", "core.fsmonitor=false", ...args], {
    cwd: context.projectDirectory,
    env: {
      ...context.processEnvironment,
      GIT_OPTIONAL_LOCKS: "0",
      GIT_TERMINAL_PROMPT: "0",
      GIT_NO_LAZY_FETCH: "1",
      GIT_NO_REPLACE_OBJECTS: "1",
      LC_ALL: "C",
    },
    timeoutMs,
    signal: context.signal,
    onOutput: (chunk, stream) => {
      if (stream === "stdout" && stdout.length <= MAX_STDOUT) stdout += chunk;
    },
  });
  if (ran.aborted) throw context.signal.reason;
  if (stdout.length > MAX_STDOUT) throw silent(`git ${args[0]} printed more than ${MAX_STDOUT} characters`);
  if (ran.exitCode !== undefined) {
    const line = lastLines(ran.output, 100)[0] ?? "no output";
    return {
      exitCode: ran.exitCode,
      stdout,
      output: ran.output,
      said: context.redact(line.replaceAll(CREDENTIALS, "//***@")),
    };
  }
  const why =
    ran.startError ?? (ran.timedOut ? "it took too long" : `it was ended by ${ran.signalName ?? "a signal"}`);
  throw silent(
    `git could not be run: ${context.redact(why)}`,
    ran.startError === undefined ? undefined : "install git",
  );
}

function silent(message: string, hint?: string): TminusError {
  return new TminusError("GIT_SILENT", message, hint === undefined ? {} : { hint });
}
