import type { NotRewritten, Rewrite } from "./define-rule.ts";

/**
 * block: certain, or so likely to stop the service or lose data that it must not run. ask: depends on what only
 * people know; it needs a yes. note: worth knowing.
 */
export type Severity = "block" | "ask" | "note";

/** What a rule has to say about one statement. */
export interface RuleFinding {
  /** What happens, as a sentence without a full stop. */
  message: string;
  /** What to write instead, an imperative. */
  hint: string;
  /** The table, index, type … that it is about, with its schema. */
  relation?: string;
  /** Column of that table. */
  column?: string;
  /** Which command of an ALTER TABLE, counted from 0. */
  command?: number;
  /** Byte offset in the file's SQL, as trees have it; the statement's beginning when left out. */
  location?: number;
  /** Weaker than the rule's own where the catalog or the sizes tell that less can happen. */
  severity?: Severity;
}

/** The same with its place. */
export interface Finding {
  rule: string;
  severity: Severity;
  file: string;
  /** Counted from 1, as is the column. */
  line: number;
  column: number;
  message: string;
  hint: string;
  relation?: string;
  /** Which statement of the file, counted from 0; those inside a DO block have the block's. */
  statement: number;
  /** What the rule itself said, for its rewrite. */
  from: RuleFinding;
  /** Only when it was asked for. */
  rewrite?: Rewrite | NotRewritten;
}

/** Strongest first. */
export const SEVERITIES: readonly Severity[] = ["block", "ask", "note"];

/** How many findings of each severity. */
export function countBySeverity(findings: readonly Finding[]): Record<Finding["severity"], number> {
  const counts = { block: 0, ask: 0, note: 0 };
  for (const { severity } of findings) counts[severity]++;
  return counts;
}

/** Strongest first, then by place. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  return SEVERITIES.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}
