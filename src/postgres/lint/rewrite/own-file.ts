import type { LintStatement, Rewrite } from "../define-rule.ts";

/** The statement as it is, in a file of its own behind everything that stands before it. */
export function ownFile({ text }: LintStatement, suffix: string, down?: string): Rewrite {
  const step = { suffix, transactional: true, sql: `${text};\n` };
  return { steps: [down === undefined ? step : { ...step, down }] };
}
