import { TminusError } from "../errors.ts";
import { expectOutput, openRepository, shortCommit, type Repository } from "../gates/git/repository.ts";
import { Redactor } from "../lib/redact.ts";
import type { MergeBack, MergeBackRequest, MergeBackState, MergeBackTarget } from "../model/merge-back.ts";
import type { Run } from "../model/run.ts";
import type { PullRequest, Scm } from "../model/scm.ts";
import type { Observed } from "../model/verdict.ts";
import { mergeBackText } from "../report/merge-back-text.ts";
import { openScm } from "./open-scm.ts";
import { definedOnly } from "../lib/defined-only.ts";
import type { Project } from "./project.ts";
import { openSecrets, type Environment } from "./secrets.ts";

const REMOTE = "origin";

interface Source {
  branch: string;
  commit: string;
  repository: Repository;
  scm: Scm | undefined;
  /** Of the branch: asked once, when the first target lacks it. */
  requests?: Promise<Observed<PullRequest[]>>;
  lastRun: Run | undefined;
}

/**
 * Looks in which branches the checked-out commit is missing, and proposes it there. Changes nothing in the repository.
 * Looks before it proposes, so that a second call makes no second pull request. Errors: USAGE_INVALID, GIT_SILENT,
 * SECRET_MISSING.
 */
export async function mergeBack(
  { runbook, directory }: Project,
  processEnvironment: Environment,
  lastRun: Run | undefined,
  { into, open, signal }: MergeBackRequest,
): Promise<MergeBack> {
  const redactor = new Redactor();
  const secret = openSecrets(directory, processEnvironment, redactor);
  const repository = openRepository({
    projectDirectory: directory,
    processEnvironment: definedOnly(processEnvironment),
    signal,
    redact: (text) => redactor.redact(text),
  });
  const { branch, commit } = await pushedBranch(repository);
  const own = Object.values(runbook.environments).flatMap((environment) => environment.branch ?? []);
  const wanted = into.length > 0 ? into : [...new Set(own)].filter((name) => name !== branch);
  if (wanted.length === 0) {
    throw new TminusError("USAGE_INVALID", "it is not known into which branches it has to come", {
      hint: "Write branch: into the environments of the runbook, or name one: tminus merge-back --into main",
    });
  }
  const scm = open ? openScm(runbook.scm, { secret, redactor }) : undefined;
  const source: Source = { branch, commit, repository, scm, lastRun };
  const targets: MergeBackTarget[] = [];
  for (const target of wanted) targets.push({ branch: target, ...(await bring(source, target, signal)) });
  return { branch, commit, targets };
}

/** What is proposed has to be where others see it. */
async function pushedBranch(repository: Repository): Promise<{ branch: string; commit: string }> {
  const branch = await repository.branch();
  const commit = await repository.head();
  if (branch === undefined || commit === undefined) {
    throw new TminusError("USAGE_INVALID", "no branch is checked out", {
      hint: "Check out the branch that was deployed: git switch hotfix/<name>",
    });
  }
  const pushed = await repository.remoteHead(REMOTE, branch);
  if (pushed.state === "unknown") throw new TminusError("GIT_SILENT", pushed.reason);
  if (pushed.state === "present" && pushed.value === commit) return { branch, commit };
  throw new TminusError("USAGE_INVALID", `${branch} is not pushed as it is here`, {
    hint: `Run git push ${REMOTE} ${branch}, then run the command again.`,
  });
}

async function bring(source: Source, target: string, signal: AbortSignal): Promise<MergeBackState> {
  const { repository, branch, commit, scm, lastRun } = source;
  const there = await repository.remoteHead(REMOTE, target);
  if (there.state === "absent") return { state: "refused", reason: `${REMOTE} has no branch ${target}` };
  if (there.state === "unknown") return there;
  const contained = await repository.contains(there.value, commit);
  if (contained === "yes") return { state: "contained" };
  if (contained !== "no") {
    const fix = `run git fetch ${REMOTE} ${target}, then run the command again`;
    return { state: "unknown", reason: `the history of ${target} is not here`, fix };
  }
  if (scm === undefined) return { state: "missing" };
  const known = await (source.requests ??= scm.pullRequests({ branch }, signal));
  if (known.state === "unknown") return known;
  const open = (known.state === "present" ? known.value : []).find(
    ({ base, state }) => base === target && state === "open",
  );
  if (open !== undefined) return { state: "open", url: open.url };
  const log = expectOutput(
    await repository.git(["log", "--format=%s", "--max-count=50", `${there.value}..${commit}`]),
  );
  const { title, body } = mergeBackText(
    { branch, target, commit: shortCommit(commit), subjects: log.split("\n") },
    lastRun,
  );
  const made = await scm.propose({ from: branch, into: target, title, body }, signal);
  if (made.state === "opened") return { state: "opened", url: made.url };
  return { state: made.state, reason: made.reason };
}
