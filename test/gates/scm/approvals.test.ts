import { expect, it } from "vitest";
import { countApprovals } from "../../../src/gates/scm/approvals.ts";
import type { PullRequest, Review } from "../../../src/model/scm.ts";

const HEAD = "b".repeat(40);

function requestWith(reviews: Partial<Review>[]): PullRequest {
  return {
    number: 1,
    title: "x",
    url: "https://example.com/1",
    author: "ann",
    state: "open",
    isDraft: false,
    head: { branch: "x", commit: HEAD },
    base: "main",
    mergeCommit: undefined,
    conflicts: "none",
    reviews: reviews.map((review, index) => ({
      by: "ben",
      isPerson: true,
      isMember: true,
      decision: "approved",
      commit: HEAD,
      at: new Date(index),
      ...review,
    })),
  };
}

const count = (reviews: Partial<Review>[], rules = { notAuthor: true, stale: false }) =>
  countApprovals(requestWith(reviews), rules);

it("counts each person once", () => {
  expect(count([{}, {}, { by: "cat" }])).toEqual({ by: ["ben", "cat"], against: [], leftOut: [] });
});

it.each<[string, Partial<Review>, string]>([
  ["the author", { by: "ann" }, "ann (the author)"],
  ["a program", { isPerson: false }, "ben (no person)"],
  ["a stranger", { isMember: false }, "ben (no member of the repository)"],
  ["an earlier commit", { commit: "a".repeat(40) }, "ben (of an earlier commit)"],
  ["a commit that is gone", { commit: undefined }, "ben (of an earlier commit)"],
  ["an account that is gone", { by: undefined }, "an account that is gone (nobody knows who that was)"],
])("leaves out an approval of %s, and says why", (_, review, said) => {
  expect(count([review])).toEqual({ by: [], against: [], leftOut: [said] });
});

it("counts the author and earlier commits where that is allowed", () => {
  const rules = { notAuthor: false, stale: true };
  expect(count([{ by: "ann" }, { commit: "a".repeat(40) }], rules).by).toEqual(["ann", "ben"]);
});

it("takes the last decision of each, and no comment for one", () => {
  expect(count([{}, { decision: "commented" }]).by).toEqual(["ben"]);
  expect(count([{}, { decision: "dismissed" }])).toEqual({ by: [], against: [], leftOut: [] });
  expect(count([{}, { decision: "changes-requested" }])).toEqual({ by: [], against: ["ben"], leftOut: [] });
  expect(count([{ decision: "changes-requested" }, {}])).toEqual({ by: ["ben"], against: [], leftOut: [] });
});

it("lets only members stand in the way, also of earlier commits", () => {
  const against: Partial<Review> = { decision: "changes-requested", commit: "a".repeat(40) };
  expect(count([against]).against).toEqual(["ben"]);
  expect(count([{ ...against, isMember: false }]).against).toEqual([]);
});
