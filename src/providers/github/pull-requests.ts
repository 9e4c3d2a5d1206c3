import * as z from "zod";
import type { PullRequest, Review } from "../../model/scm.ts";
import type { Observed } from "../../model/verdict.ts";
import type { Api, Result } from "./api.ts";
import { observed } from "./observed.ts";

const MAX_PAGES = 10;
/** Of one commit; each is asked about on its own. */
const MAX_REQUESTS = 10;

const userSchema = z.object({ login: z.string(), type: z.string() }).nullable();

const listedSchema = z.object({
  number: z.int(),
  head: z.object({ ref: z.string(), sha: z.string() }),
  merge_commit_sha: z.string().nullable(),
  merged_at: z.string().nullish(),
});
type Listed = z.output<typeof listedSchema>;
const listSchema = z.array(listedSchema);

const pullRequestSchema = listedSchema.extend({
  title: z.string(),
  html_url: z.string(),
  user: userSchema,
  state: z.enum(["open", "closed"]),
  draft: z.boolean().optional(),
  base: z.object({ ref: z.string() }),
  mergeable: z.boolean().nullish(),
});

const reviewSchema = z.object({
  user: userSchema,
  state: z.string(),
  commit_id: z.string().nullable(),
  submitted_at: z.iso.datetime({ offset: true }).nullish(),
  author_association: z.string(),
});

export async function readPullRequests(
  api: Api,
  repository: string,
  of: { commit: string } | { branch: string },
  signal: AbortSignal,
): Promise<Observed<PullRequest[]>> {
  const listed =
    "branch" in of
      ? await ofBranch(api, repository, of.branch, signal)
      : await ofCommit(api, of.commit, signal);
  if (!listed.ok) return observed(listed);
  const found: PullRequest[] = [];
  const numbers = listed.value.map(({ number }) => number).toSorted((a, b) => b - a);
  for (const number of numbers.slice(0, MAX_REQUESTS)) {
    const read = await readOne(api, number, signal);
    if (!read.ok) return { state: "unknown", reason: read.reason };
    found.push(read.value);
  }
  return { state: "present", value: found };
}

function ofBranch(
  api: Api,
  repository: string,
  branch: string,
  signal: AbortSignal,
): Promise<Result<Listed[]>> {
  const [owner] = repository.split("/");
  const head = encodeURIComponent(`${owner}:${branch}`);
  return api.list(
    `pulls?state=all&sort=created&direction=desc&head=${head}`,
    { ...asList, maxPages: MAX_PAGES },
    signal,
  );
}

/**
 * GitHub names the merged request of a commit only when that is on the default branch. For other branches the requests
 * that were changed last are looked through.
 */
async function ofCommit(api: Api, commit: string, signal: AbortSignal): Promise<Result<Listed[]>> {
  const endsWith = ({ head, merge_commit_sha, merged_at }: Listed): boolean =>
    head.sha === commit || (merge_commit_sha === commit && typeof merged_at === "string");
  const named = await api.list(`commits/${commit}/pulls`, { ...asList, maxPages: MAX_PAGES }, signal);
  if (!named.ok) return named;
  const own = named.value.filter(endsWith);
  if (own.some(({ merged_at }) => typeof merged_at === "string")) return { ok: true, value: own };
  const closed = await api.list(
    "pulls?state=closed&sort=updated&direction=desc",
    { ...asList, maxPages: MAX_PAGES, isEnough: (items) => items.some(endsWith) },
    signal,
  );
  if (!closed.ok) return own.length > 0 ? { ok: true, value: own } : closed;
  const all = [...own, ...closed.value.filter(endsWith)];
  return { ok: true, value: [...new Map(all.map((item) => [item.number, item])).values()] };
}

const asList = { schema: listSchema, itemsOf: (page: Listed[]) => page };

async function readOne(api: Api, number: number, signal: AbortSignal): Promise<Result<PullRequest>> {
  const asked = await api.get(`pulls/${number}`, pullRequestSchema, signal);
  if (!asked.ok) return asked;
  const reviews = await api.list(
    `pulls/${number}/reviews`,
    { schema: z.array(reviewSchema), itemsOf: (page) => page, maxPages: MAX_PAGES },
    signal,
  );
  if (!reviews.ok) return reviews;
  const { title, html_url, user, state, draft, head, base, merge_commit_sha, merged_at, mergeable } =
    asked.value;
  const isMerged = typeof merged_at === "string";
  return {
    ok: true,
    value: {
      number,
      title,
      url: html_url,
      author: user?.login,
      state: isMerged ? "merged" : state,
      isDraft: draft === true,
      head: { branch: head.ref, commit: head.sha },
      base: base.ref,
      // Of an open request it is the result of a trial.
      mergeCommit: isMerged ? (merge_commit_sha ?? undefined) : undefined,
      conflicts: isMerged || mergeable === true ? "none" : mergeable === false ? "some" : "unknown",
      reviews: reviews.value.flatMap(toReview).toSorted((a, b) => a.at.getTime() - b.at.getTime()),
    },
  };
}

const DECISIONS: Readonly<Record<string, Review["decision"]>> = {
  APPROVED: "approved",
  CHANGES_REQUESTED: "changes-requested",
  DISMISSED: "dismissed",
  COMMENTED: "commented",
};

/** None for one that was begun and not handed in. */
function toReview(review: z.output<typeof reviewSchema>): Review[] {
  const decision = DECISIONS[review.state];
  if (decision === undefined || typeof review.submitted_at !== "string") return [];
  return [
    {
      by: review.user?.login,
      isPerson: review.user?.type === "User",
      isMember: ["OWNER", "MEMBER", "COLLABORATOR"].includes(review.author_association),
      decision,
      commit: review.commit_id ?? undefined,
      at: new Date(review.submitted_at),
    },
  ];
}
