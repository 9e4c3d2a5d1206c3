/** What is asked about a branch that was deployed and is to come back into the others. Requirement A4. */
export interface MergeBackRequest {
  /** Where it was deployed: its last run is told in the proposal. */
  environment: string;
  /** Branches that it has to come into; those of the runbook's environments when there is none. */
  into: readonly string[];
  /** Whether pull requests are opened; otherwise it is only said what is missing. */
  open: boolean;
  signal: AbortSignal;
}

export interface MergeBack {
  /** What is checked out, and pushed as it is. */
  branch: string;
  commit: string;
  targets: MergeBackTarget[];
}

/**
 * contained: the branch has the commit already. open: there is a pull request. opened: one was made now. missing: there is
 * none, and none was to be made or nobody here can. refused: none was made. unknown: it could not be found out.
 */
export type MergeBackState =
  | { state: "contained" | "missing" }
  | { state: "open" | "opened"; url: string }
  | { state: "refused" | "unknown"; reason: string; fix?: string };

/** `branch`: into which it has to come. */
export type MergeBackTarget = { branch: string } & MergeBackState;
