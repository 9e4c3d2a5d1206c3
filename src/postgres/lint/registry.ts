import type { LintRule } from "./define-rule.ts";
import { addCheckValidated } from "./rules/locks/add-check-validated.ts";
import { addExcludeConstraint } from "./rules/locks/add-exclude-constraint.ts";
import { addForeignKeyValidated } from "./rules/locks/add-foreign-key-validated.ts";
import { addUniqueConstraint } from "./rules/locks/add-unique-constraint.ts";
import { attachPartitionWithoutCheck } from "./rules/locks/attach-partition-without-check.ts";
import { briefExclusiveLock } from "./rules/locks/brief-exclusive-lock.ts";
import { concurrentlyIfNotExists } from "./rules/locks/concurrently-if-not-exists.ts";
import { defaultPartitionScan } from "./rules/locks/default-partition-scan.ts";
import { dropIndexWithoutConcurrently } from "./rules/locks/drop-index-without-concurrently.ts";
import { dropLocksReferenced } from "./rules/locks/drop-locks-referenced.ts";
import { foreignKeyOnNewTable } from "./rules/locks/foreign-key-on-new-table.ts";
import { indexWithoutConcurrently } from "./rules/locks/index-without-concurrently.ts";
import { lockTable } from "./rules/locks/lock-table.ts";
import { partitionLocksParent } from "./rules/locks/partition-locks-parent.ts";
import { partitionedIndex } from "./rules/locks/partitioned-index.ts";
import { refreshWithoutConcurrently } from "./rules/locks/refresh-without-concurrently.ts";
import { reindexWithoutConcurrently } from "./rules/locks/reindex-without-concurrently.ts";
import { setNotNull } from "./rules/locks/set-not-null.ts";
import { tableRewriteCommand } from "./rules/locks/table-rewrite-command.ts";
import { commitInDo } from "./rules/transaction/commit-in-do.ts";
import { concurrentlyInTransaction } from "./rules/transaction/concurrently-in-transaction.ts";
import { dataChangeUnderLock } from "./rules/transaction/data-change-under-lock.ts";
import { enumValueUsedInTransaction } from "./rules/transaction/enum-value-used-in-transaction.ts";
import { manyLocksInTransaction } from "./rules/transaction/many-locks-in-transaction.ts";
import { searchPathEmptied } from "./rules/transaction/search-path-emptied.ts";
import { transactionControl } from "./rules/transaction/transaction-control.ts";
import { validateInSameTransaction } from "./rules/transaction/validate-in-same-transaction.ts";
import { addColumnConstrainedDomain } from "./rules/data/add-column-constrained-domain.ts";
import { addColumnNotNull } from "./rules/data/add-column-not-null.ts";
import { addColumnRewrite } from "./rules/data/add-column-rewrite.ts";
import { batchLoop } from "./rules/data/batch-loop.ts";
import { changeColumnType } from "./rules/data/change-column-type.ts";
import { changeEveryRow } from "./rules/data/change-every-row.ts";
import { dropDatabase } from "./rules/data/drop-database.ts";
import { duplicateIndex } from "./rules/data/duplicate-index.ts";
import { endEveryBackend } from "./rules/data/end-every-backend.ts";
import { narrowColumnType } from "./rules/data/narrow-column-type.ts";
import { protectionOff } from "./rules/data/protection-off.ts";
import { truncate } from "./rules/data/truncate.ts";
import { unindexedForeignKey } from "./rules/data/unindexed-foreign-key.ts";
import { unknownStatisticsColumn } from "./rules/data/unknown-statistics-column.ts";
import { dropColumn } from "./rules/compat/drop-column.ts";
import { dropDefault } from "./rules/compat/drop-default.ts";
import { dropPrimaryKey } from "./rules/compat/drop-primary-key.ts";
import { dropTable } from "./rules/compat/drop-table.ts";
import { identifierTooLong } from "./rules/compat/identifier-too-long.ts";
import { jsonColumn } from "./rules/compat/json-column.ts";
import { renameEnumValue } from "./rules/compat/rename-enum-value.ts";
import { rename } from "./rules/compat/rename.ts";
import { definerWithoutSearchPath } from "./rules/security/definer-without-search-path.ts";
import { grantToEverybody } from "./rules/security/grant-to-everybody.ts";
import { policyAlwaysTrue } from "./rules/security/policy-always-true.ts";
import { policyCallPerRow } from "./rules/security/policy-call-per-row.ts";
import { policyUserMetadata } from "./rules/security/policy-user-metadata.ts";
import { policyWithoutRowSecurity } from "./rules/security/policy-without-row-security.ts";
import { rowSecurityOff } from "./rules/security/row-security-off.ts";
import { rowSecurityWithoutPolicy } from "./rules/security/row-security-without-policy.ts";
import { tableWithoutRowSecurity } from "./rules/security/table-without-row-security.ts";
import { viewBypassesRowSecurity } from "./rules/security/view-bypasses-row-security.ts";
import { enumValuePosition } from "./rules/style/enum-value-position.ts";
import { preferBigint } from "./rules/style/prefer-bigint.ts";
import { preferIdentity } from "./rules/style/prefer-identity.ts";
import { preferIfNotExists } from "./rules/style/prefer-if-not-exists.ts";
import { preferNumeric } from "./rules/style/prefer-numeric.ts";
import { preferText } from "./rules/style/prefer-text.ts";
import { preferTimestamptz } from "./rules/style/prefer-timestamptz.ts";

/** Every rule. A new one adds its line. */
export const lintRules: readonly LintRule[] = [
  addCheckValidated,
  addExcludeConstraint,
  addForeignKeyValidated,
  addUniqueConstraint,
  attachPartitionWithoutCheck,
  briefExclusiveLock,
  concurrentlyIfNotExists,
  defaultPartitionScan,
  dropIndexWithoutConcurrently,
  dropLocksReferenced,
  foreignKeyOnNewTable,
  indexWithoutConcurrently,
  lockTable,
  partitionLocksParent,
  partitionedIndex,
  refreshWithoutConcurrently,
  reindexWithoutConcurrently,
  setNotNull,
  tableRewriteCommand,
  commitInDo,
  concurrentlyInTransaction,
  dataChangeUnderLock,
  enumValueUsedInTransaction,
  manyLocksInTransaction,
  searchPathEmptied,
  transactionControl,
  validateInSameTransaction,
  addColumnConstrainedDomain,
  addColumnNotNull,
  addColumnRewrite,
  batchLoop,
  changeColumnType,
  changeEveryRow,
  dropDatabase,
  duplicateIndex,
  endEveryBackend,
  narrowColumnType,
  protectionOff,
  truncate,
  unindexedForeignKey,
  unknownStatisticsColumn,
  dropColumn,
  dropDefault,
  dropPrimaryKey,
  dropTable,
  identifierTooLong,
  jsonColumn,
  renameEnumValue,
  rename,
  definerWithoutSearchPath,
  grantToEverybody,
  policyAlwaysTrue,
  policyCallPerRow,
  policyUserMetadata,
  policyWithoutRowSecurity,
  rowSecurityOff,
  rowSecurityWithoutPolicy,
  tableWithoutRowSecurity,
  viewBypassesRowSecurity,
  enumValuePosition,
  preferBigint,
  preferIdentity,
  preferIfNotExists,
  preferNumeric,
  preferText,
  preferTimestamptz,
];
