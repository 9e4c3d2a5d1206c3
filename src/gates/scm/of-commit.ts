import type { GateContext, GateVerdict } from "../../model/gate-kind.ts";
import type { Scm } from "../../model/scm.ts";
import { inRepository, shortCommit, type Repository } from "../git/repository.ts";
import { unknown } from "../unknown.ts";

export interface CommitAtScm {
  scm: Scm;
  /** The checked-out one, all its digits. */
  commit: string;
  repository: Repository;
}

/** Asks about the commit that is checked out; without a place to ask, or a commit, the verdict is unknown. */
export function ofCommit<With>(
  context: GateContext<With>,
  decide: (at: CommitAtScm) => Promise<GateVerdict>,
): Promise<GateVerdict> {
  return inRepository(context, async (repository) => {
    const scm = context.scm();
    if (scm === undefined)
      return unknown(
        "the runbook does not say where the code is reviewed",
        "write scm: { kind: github, repository: owner/name, token: env:GITHUB_TOKEN } into the runbook",
      );
    const commit = await repository.head();
    if (commit === undefined) return unknown("nothing was ever committed", "commit and push");
    return decide({ scm, commit, repository });
  });
}

/** What a commit is that the other side certainly does not have. */
export function notThere(scm: Scm, commit: string): GateVerdict {
  return {
    verdict: "fail",
    reason: `${scm.name} does not have ${shortCommit(commit)}`,
    evidence: { commit },
    fix: "push it",
  };
}

export function didNotSay(scm: Scm, reason: string): GateVerdict {
  return unknown(`${scm.name}: ${reason}`, "make the plan again when it answers");
}
