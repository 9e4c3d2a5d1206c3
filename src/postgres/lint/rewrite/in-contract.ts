import type { LintContext, LintStatement, NotRewritten, Rewrite } from "../define-rule.ts";
import { laterNames } from "./later-names.ts";
import { sqlOf } from "./sql-of.ts";

/**
 * The same statement in a file of the phase contract. `names`: what it takes away, without schemas; `down`: what
 * brings it back, when that is certain. Errors: SQL_UNPRINTABLE.
 */
export function inContract(
  statement: LintStatement,
  context: LintContext,
  { suffix, names, down }: { suffix: string; names: readonly string[]; down?: string },
): Rewrite | NotRewritten {
  const reason = names.map((name) => laterNames(name, statement, context)).find((each) => each !== undefined);
  if (reason !== undefined) return { reason };
  const sql = sqlOf(statement.node);
  return {
    steps: [{ suffix, transactional: true, phase: "contract", sql, ...(down === undefined ? {} : { down }) }],
  };
}
