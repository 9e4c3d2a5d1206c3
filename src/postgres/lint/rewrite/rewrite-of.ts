import { hasCode } from "../../../errors.ts";
import { treeOf } from "../../sql/tree.ts";
import { shown } from "../catalog/catalog.ts";
import type { LintContext, LintRule, LintStatement, NotRewritten, Rewrite } from "../define-rule.ts";
import type { RuleFinding } from "../finding.ts";
import { relationNamed } from "./names-in-sql.ts";

/** What the rule says about rewriting one finding; undefined for a rule of notes that says nothing about it. */
export function rewriteOf(
  rule: LintRule,
  finding: RuleFinding,
  statement: LintStatement,
  context: LintContext,
): Rewrite | NotRewritten | undefined {
  if (rule.rewrite === undefined) {
    return rule.noRewrite === undefined ? undefined : { reason: rule.noRewrite };
  }
  if (statement.inBody === true) {
    return { reason: "It stands in a DO block: write the statement into the file itself." };
  }
  if (isOneOfMany(finding, statement)) {
    return { reason: "It is one command of several: the statement has to be cut up first." };
  }
  try {
    const rewrite = rule.rewrite(finding, statement, context);
    return whyNoBackfill(rewrite, context) ?? rewrite;
  } catch (error) {
    if (!hasCode(error, "SQL_UNPRINTABLE")) throw error;
    return { reason: "The statement cannot be written out again without loss: write the safe form by hand." };
  }
}

/** As db.backfill refuses it. */
function whyNoBackfill(rewrite: Rewrite | NotRewritten, { catalog }: LintContext): NotRewritten | undefined {
  if ("reason" in rewrite) return undefined;
  const filled = rewrite.steps.flatMap((step) => ("backfill" in step ? [step.backfill.table] : []));
  const inherits = [...catalog.tables.values()].find(
    ({ key, hasChildren, isChild }) =>
      (hasChildren || isChild === true) && filled.includes(relationNamed(key)),
  );
  if (inherits === undefined) return undefined;
  return {
    reason: `${shown(inherits.key)} inherits or is inherited from, and db.backfill fills no such table: do it by hand, in batches.`,
  };
}

/** Whether a finding is about one command of an ALTER TABLE that has others. */
export function isOneOfMany({ command }: RuleFinding, { node }: LintStatement): boolean {
  return command !== undefined && (treeOf(node, "AlterTableStmt")?.cmds ?? []).length > 1;
}
