/**
 * edited: what is there is not what was written. missing: something in between is gone. out-of-order: it is there, but
 * not in its place. cut-off: the end is gone. unknown-run: the project's log knows no such run. missing-run: it knows one
 * that is not there. evidence: the content is gone or is not what its hash says. anchor: what was written down elsewhere
 * is not so. unreadable: a line is no record.
 */
export type ProblemKind =
  | "edited"
  | "missing"
  | "out-of-order"
  | "cut-off"
  | "unknown-run"
  | "missing-run"
  | "evidence"
  | "anchor"
  | "unreadable";

/** One thing that is not as it was written. */
export interface AuditProblem {
  how: ProblemKind;
  /** Whose log it is in; the project's own when left out. */
  run?: string;
  /** Which event of the run, or which entry of the project's log. */
  sequence?: number;
  /** A sentence without its full stop. */
  text: string;
}

/** How many are kept; the others are counted. */
export const MAX_PROBLEMS = 1_000;
