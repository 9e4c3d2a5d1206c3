import type * as z from "zod";
import type { Clock } from "../lib/clock.ts";
import type { Secret } from "../lib/redact.ts";
import type { Observed } from "./verdict.ts";

/**
 * Where the project's code is reviewed and built: GitHub. It only reads, but for proposing. No method throws but the
 * signal's reason: what goes wrong is `unknown`, and `absent` means that the commit is certainly not known there.
 * `testing/conformance/scm.ts` is the suite that every provider passes.
 */
export interface Scm {
  readonly kind: string;
  /** For what is said about it: "github acme/shop". */
  readonly name: string;
  /**
   * Pull requests that brought the commit into their base branch or would, or that come from the branch, whatever became
   * of them; newest first. Of a commit only those that end with it: a request that went on is not one of its own.
   */
  pullRequests(
    of: { commit: string } | { branch: string },
    signal: AbortSignal,
  ): Promise<Observed<PullRequest[]>>;
  /** Every check of exactly this commit, the newest run of each; none when nothing has looked at it. */
  checks(commit: string, signal: AbortSignal): Promise<Observed<Check[]>>;
  /**
   * Opens a pull request; merging it is for people. Not idempotent: look first whether the branch has one. refused:
   * nothing was made. unknown: whether one was made was not heard; look again.
   */
  propose(wanted: NewPullRequest, signal: AbortSignal): Promise<Proposed>;
}

export interface NewPullRequest {
  /** Branch that is to be brought. */
  from: string;
  /** Branch into which it goes. */
  into: string;
  title: string;
  /** Markdown. */
  body: string;
}

export type Proposed =
  | { state: "opened"; number: number; url: string }
  | { state: "refused" | "unknown"; reason: string };

export interface PullRequest {
  number: number;
  title: string;
  /** For people. */
  url: string;
  /** Undefined when the account is gone. */
  author: string | undefined;
  state: "open" | "merged" | "closed";
  isDraft: boolean;
  head: { branch: string; commit: string };
  /** Branch into which it goes. */
  base: string;
  /** What merging it made: a merge commit, or the last one put onto the base. */
  mergeCommit: string | undefined;
  /** Whether it can be merged as it is; unknown also while the other side still finds out. */
  conflicts: "none" | "some" | "unknown";
  /** All of them, oldest first. */
  reviews: Review[];
}

export interface Review {
  /** Undefined when the account is gone. */
  by: string | undefined;
  /** A person, and not a program with an account of its own. */
  isPerson: boolean;
  /** Whether the reviewer belongs to the repository; anybody can review a public one. */
  isMember: boolean;
  /** dismissed: somebody took away what it was. */
  decision: "approved" | "changes-requested" | "dismissed" | "commented";
  /** What was looked at; undefined when that commit is gone. */
  commit: string | undefined;
  at: Date;
}

export interface Check {
  name: string;
  /** skipped: it ended without having looked (skipped, neutral). */
  state: "passed" | "failed" | "pending" | "skipped";
  /** The provider's own word: "timed_out". */
  word: string;
  /** For people. */
  url: string | undefined;
}

export interface ScmPorts {
  /** Throws SECRET_MISSING. */
  secret: (reference: string) => Secret;
  clock: Clock;
  redact: (text: string) => string;
}

/** A kind of place that a runbook may name under `scm`. */
export interface ScmKind {
  /** One sentence for the documentation page. */
  summary: string;
  /** More paragraphs for the page: what a reader must know before relying on it. */
  notes: readonly string[];
  /** Settings as YAML without the kind, checked when the page is written. */
  example: string;
  /** Of the settings beside the kind. */
  schema: z.ZodType;
  /** `settings` as written or as parsed. Opens no connection yet. Errors: SECRET_MISSING. */
  open(settings: unknown, ports: ScmPorts): Scm;
}
