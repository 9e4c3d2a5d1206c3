import * as z from "zod";
import { lastLines } from "../lib/output-tail.ts";
import { run } from "../lib/process.ts";
import type { GateContext } from "../model/gate-kind.ts";
import type { Verdict } from "../model/verdict.ts";
import { defineGate } from "./define.ts";

const schema = z.strictObject({
  branch: z.string().min(1).optional().describe("Branch that must be checked out; any when left out"),
});

type Context = GateContext<z.output<typeof schema>>;
type Answer = { state: "answered"; exitCode: number; output: string } | { state: "silent"; reason: string };

const GIT_LIMIT_MS = 30_000;
const NAMED_FILES = 10;

/** Passes when the project's git work tree has nothing uncommitted, untracked files included. */
export const gitClean = defineGate({
  kind: "git.clean",
  summary: "Passes when the git work tree is clean and, if asked, on the right branch.",
  requirements: ["B2"],
  schema,
  example: "branch: main\n",

  async check(context): Promise<Verdict & { fix?: string }> {
    const inside = await git(context, ["rev-parse", "--is-inside-work-tree"]);
    if (inside.state === "silent") return { verdict: "unknown", reason: inside.reason, fix: "install git" };
    if (inside.exitCode !== 0 || inside.output.trim() !== "true")
      return {
        verdict: "unknown",
        reason: `not a git work tree: ${firstLine(inside)}`,
        fix: "run it inside a clone",
      };

    const branch = await git(context, ["symbolic-ref", "--short", "--quiet", "HEAD"]);
    if (branch.state === "silent") return { verdict: "unknown", reason: branch.reason };
    const name = branch.exitCode === 0 ? branch.output.trim() : undefined;
    const wanted = context.with.branch;
    if (wanted !== undefined && name !== wanted) {
      const reason =
        name === undefined ? `no branch is checked out, ${wanted} is wanted` : `on ${name}, not on ${wanted}`;
      return { verdict: "fail", reason, fix: `run git switch ${wanted}` };
    }

    const status = await git(context, ["status", "--porcelain=v1", "-z", "--untracked-files=normal"]);
    if (status.state === "silent") return { verdict: "unknown", reason: status.reason };
    if (status.exitCode !== 0)
      return { verdict: "unknown", reason: `git status failed: ${firstLine(status)}` };
    const changed = status.output.split("\0").filter((entry) => entry !== "");
    const evidence = { branch: name ?? null, changed: changed.slice(0, NAMED_FILES) };
    if (changed.length === 0)
      return { verdict: "pass", reason: `clean${name === undefined ? "" : ` on ${name}`}`, evidence };
    return {
      verdict: "fail",
      reason: `uncommitted: ${sayFiles(changed)}`,
      evidence,
      fix: "commit, stash or ignore these files",
    };
  },
});

/** Takes no optional locks and runs no configured hook: looking must not write. */
async function git(context: Context, args: string[]): Promise<Answer> {
  const ran = await run(["git", "-c", "core.fsmonitor=false", ...args], {
    cwd: context.projectDirectory,
    env: { ...context.processEnvironment, GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0", LC_ALL: "C" },
    timeoutMs: GIT_LIMIT_MS,
    signal: context.signal,
  });
  if (ran.aborted) throw context.signal.reason;
  if (ran.exitCode !== undefined) return { state: "answered", exitCode: ran.exitCode, output: ran.output };
  const why =
    ran.startError ?? (ran.timedOut ? "it took too long" : `it was ended by ${ran.signalName ?? "a signal"}`);
  return { state: "silent", reason: `git could not be run: ${context.redact(why)}` };
}

function firstLine({ output }: { output: string }): string {
  return lastLines(output, 100)[0] ?? "no output";
}

function sayFiles(entries: readonly string[]): string {
  const named = entries.slice(0, NAMED_FILES).map((entry) => entry.slice(3));
  const more = entries.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
