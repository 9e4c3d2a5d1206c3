import type { LintRule } from "./define-rule.ts";
import { addColumnRewrite } from "./rules/data/add-column-rewrite.ts";
import { indexWithoutConcurrently } from "./rules/locks/index-without-concurrently.ts";
import { commitInDo } from "./rules/transaction/commit-in-do.ts";
import { concurrentlyInTransaction } from "./rules/transaction/concurrently-in-transaction.ts";

/** Every rule. A new one adds its line. */
export const lintRules: readonly LintRule[] = [
  addColumnRewrite,
  indexWithoutConcurrently,
  commitInDo,
  concurrentlyInTransaction,
];
