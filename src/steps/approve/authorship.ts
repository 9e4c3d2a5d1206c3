import { inheritedEnvironment } from "../../lib/inherited-environment.ts";
import { lastLines } from "../../lib/output-tail.ts";
import { run } from "../../lib/process.ts";
import type { GitPerson } from "../../approvals/same-person.ts";
import type { Authorship, AuthorshipPart } from "./facts.ts";

const GIT_LIMIT_MS = 30_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
const MAX_PEOPLE = 1000;
/** Who GitHub says committed what it merged itself. */
const WEB_FLOW = "noreply@github.com";
/** Where migrations usually are, when the runbook does not say. */
const MIGRATIONS = ["migrations", "db/migrations", "supabase/migrations", "prisma/migrations"];

export interface AuthorshipOptions {
  directory: string;
  /** A tag, branch or hash. */
  commit: string;
  /** The same for what is live; undefined when nothing is, and then the whole history is the release's. */
  since: string | undefined;
  /** Folders below `directory`; the usual ones when left out. */
  migrations: readonly string[] | undefined;
  /** Below `directory`. */
  runbookFile: string;
  signal: AbortSignal;
}

class Unknown extends Error {}

/**
 * Asks git who wrote, committed or is named as co-author of the commits that only one of the two releases has, of those of
 * them that touch migrations, and of the newest commit to the runbook. Names are as the commits have them: a mailmap, which
 * is itself a file of the release, is not believed. Reads only. Never throws but the signal's reason.
 */
export async function findAuthorship(options: AuthorshipOptions): Promise<Authorship> {
  const { since, migrations = MIGRATIONS, runbookFile, signal } = options;
  const git = (...args: string[]): Promise<string> => askGit(options.directory, args, signal);
  const part = async (find: () => Promise<GitPerson[]>): Promise<AuthorshipPart> => {
    try {
      return { people: await find() };
    } catch (error) {
      if (error instanceof Unknown) return { unknown: error.message };
      throw error;
    }
  };
  let range: Promise<string> | undefined;
  const commits = (): Promise<string> => (range ??= rangeOf(git, options));
  return {
    range: since === undefined ? "in the whole history" : `since ${since}`,
    authors: await part(async () => peopleOf(await git(...LOG, await commits(), "--"))),
    migrationAuthors: await part(async () =>
      peopleOf(await git(...LOG, "--full-history", await commits(), "--", ...migrations)),
    ),
    configEditors: await part(async () => {
      const changed = await git("status", "--porcelain=v1", "-z", "--untracked-files=all", "--", runbookFile);
      if (changed !== "") throw new Unknown(`${runbookFile} has changes that are not committed`);
      const people = peopleOf(await git(...LOG, "-1", "--full-history", "HEAD", "--", runbookFile));
      if (people.length === 0) throw new Unknown(`git has no commit of ${runbookFile}`);
      return people;
    }),
  };
}

const LOG = [
  "log",
  "-z",
  "--no-mailmap",
  "--no-show-signature",
  "--format=%an%x00%ae%x00%cn%x00%ce%x00%(trailers:key=Co-authored-by,valueonly,unfold)",
];

/** The commits that one of the two releases has and the other has not: what is taken back is changed as well. */
async function rangeOf(
  git: (...args: string[]) => Promise<string>,
  { commit, since }: AuthorshipOptions,
): Promise<string> {
  if ((await git("rev-parse", "--is-shallow-repository")).trim() !== "false")
    throw new Unknown("this clone is shallow: run git fetch --unshallow");
  const hashOf = async (name: string): Promise<string> => {
    const answer = await git(
      "rev-parse",
      "--verify",
      "--quiet",
      "--end-of-options",
      `${name}^{commit}`,
    ).catch((error: unknown) => {
      if (error instanceof Unknown) throw new Unknown(`git knows no commit ${name}`);
      throw error;
    });
    return answer.trim();
  };
  const to = await hashOf(commit);
  if (to === (await hashOf("HEAD")) && (await git("status", "--porcelain=v1", "--untracked-files=no")) !== "")
    throw new Unknown(`${commit} is checked out with changes that are not committed`);
  return since === undefined ? to : `${await hashOf(since)}...${to}`;
}

/** Of records of five fields, each ended by NUL: author, committer, and co-authors a line each. Everybody once. */
function peopleOf(log: string): GitPerson[] {
  const fields = log.split("\0");
  const people = new Map<string, GitPerson>();
  const add = (name: string, email: string): void => {
    if (email !== WEB_FLOW) people.set(`${name}\0${email}`, { name, email });
  };
  for (let index = 0; index + 4 < fields.length; index += 5) {
    const [author = "", authorEmail = "", committer = "", committerEmail = "", trailers = ""] =
      fields.slice(index);
    add(author, authorEmail);
    add(committer, committerEmail);
    for (const line of trailers.split("\n").filter((text) => text.trim() !== "")) {
      const [, name, email] = /^(.*?)\s*<([^<>]*)>\s*$/.exec(line) ?? [undefined, line.trim(), ""];
      add(name!, email!);
    }
  }
  if (people.size > MAX_PEOPLE) throw new Unknown(`more than ${MAX_PEOPLE} people wrote it`);
  return [...people.values()].sort((a, b) => compare(a.name, b.name) || compare(a.email, b.email));
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** What git prints. Takes no locks, runs no hook, believes no replaced object. Throws Unknown. */
async function askGit(directory: string, args: string[], signal: AbortSignal): Promise<string> {
  let answer = "";
  const options = [
    "--no-replace-objects",
    "--literal-pathspecs",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.quotePath=false",
  ];
  const ran = await run(["git", ...options, ...args], {
    cwd: directory,
    env: { ...inheritedEnvironment(), GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0", LC_ALL: "C" },
    timeoutMs: GIT_LIMIT_MS,
    signal,
    onOutput: (chunk, stream) => {
      if (stream === "stdout" && answer.length <= MAX_OUTPUT_BYTES) answer += chunk;
    },
  });
  if (ran.aborted) throw signal.reason;
  if (ran.exitCode === undefined)
    throw new Unknown(
      `git could not be run: ${ran.startError ?? (ran.timedOut ? "it took too long" : "it was ended")}`,
    );
  if (ran.exitCode !== 0)
    throw new Unknown(lastLines(ran.output, 1)[0]?.replace(/^fatal: /, "") ?? `git ${args[0]} failed`);
  if (answer.length > MAX_OUTPUT_BYTES) throw new Unknown("the history is too long to be read");
  return answer;
}
