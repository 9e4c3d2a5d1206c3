import * as z from "zod";
import { parseDuration } from "../../lib/duration.ts";
import { publicUrlSchema, referenceSchema, type IssueParams } from "../../model/runbook.ts";
import type { ScmKind } from "../../model/scm.ts";
import { timeoutSchema } from "../signals/web-settings.ts";
import { openApi } from "./api.ts";
import { readChecks } from "./checks.ts";
import { propose } from "./propose.ts";
import { readPullRequests } from "./pull-requests.ts";

const schema = z.strictObject({
  repository: z
    .string()
    .refine((text) => /^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[\w.-]{1,100}$/.test(text), {
      error: "is not the name of a repository",
      params: { hint: "write it like acme/shop" } satisfies IssueParams,
    })
    .describe("Owner and name: acme/shop"),
  token: referenceSchema.describe(
    "Reference of a token that may read pull requests, checks and commit statuses: env:GITHUB_TOKEN",
  ),
  url: publicUrlSchema
    .default("https://api.github.com")
    .describe("Address of the API; of a server of your own https://github.example.com/api/v3"),
  timeout: timeoutSchema,
});

/** GitHub, by its REST API. A refused or slow request is not repeated: the plan is made again when a person wants it. */
export const githubScm: ScmKind = {
  summary: "Pull requests, reviews, check runs and commit statuses of a GitHub repository.",
  notes: [
    "A fine-grained token needs to read pull requests, checks, commit statuses and contents; to write pull requests for `tminus merge-back` alone. It is sent to the address alone, and never printed. A rate limit that is used up makes a gate unknown and says until when; nothing is asked again by itself.",
    "Who belongs to the repository is what GitHub says of a reviewer (`author_association`: owner, member, collaborator). A token that may not see the private members of an organisation does not see them here either: their approvals are then not counted.",
    "It has met only an emulator so far (`emulate`, with what that lacks added), whose answers Octokit read as well.",
  ],
  example: "repository: acme/shop\ntoken: env:GITHUB_TOKEN\n",
  schema,
  open(settings, { secret, clock, redact }) {
    const { repository, token, url, timeout } = schema.parse(settings);
    const api = openApi({
      url: url.replace(/\/+$/, ""),
      repository,
      token: secret(token).reveal(),
      timeoutMs: parseDuration(timeout)!,
      clock,
      redact,
    });
    return {
      kind: "github",
      name: `github ${repository}`,
      pullRequests: (of, signal) => readPullRequests(api, repository, of, signal),
      propose: (wanted, signal) => propose(api, wanted, signal),
      checks: (commit, signal) => readChecks(api, commit, signal),
    };
  },
};
