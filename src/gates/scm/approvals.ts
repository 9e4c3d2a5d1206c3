import type { PullRequest, Review } from "../../model/scm.ts";

export interface ApprovalRules {
  /** Whether the author's own approval is left out. */
  notAuthor: boolean;
  /** Whether approvals of earlier commits count. */
  stale: boolean;
}

export interface Approvals {
  /** Who counts. */
  by: string[];
  /** Members whose last word is that something must change. */
  against: string[];
  /** Approvals that do not count, and why: "cat (of an earlier commit)". */
  leftOut: string[];
}

/** Each reviewer's last decision counts; a comment is none. Pure. */
export function countApprovals(request: PullRequest, rules: ApprovalRules): Approvals {
  const last = new Map<string, Review>();
  for (const review of request.reviews)
    if (review.decision !== "commented") last.set(review.by ?? "an account that is gone", review);
  const found: Approvals = { by: [], against: [], leftOut: [] };
  for (const [name, review] of last) {
    if (review.decision === "changes-requested" && review.isMember) found.against.push(name);
    if (review.decision !== "approved") continue;
    const why = whyNot(review, request, rules);
    if (why === undefined) found.by.push(name);
    else found.leftOut.push(`${name} (${why})`);
  }
  return found;
}

function whyNot(review: Review, request: PullRequest, rules: ApprovalRules): string | undefined {
  if (review.by === undefined) return "nobody knows who that was";
  if (!review.isPerson) return "no person";
  if (!review.isMember) return "no member of the repository";
  if (rules.notAuthor && review.by === request.author) return "the author";
  if (!rules.stale && review.commit !== request.head.commit) return "of an earlier commit";
  return undefined;
}
