import { concurrentIndex } from "./concurrent-index.ts";
import type { Statement } from "../sql/statements.ts";

const CONCURRENT =
  /^(create (unique )?index|drop index|reindex( \([^)]*\))? (index|table|schema|database|system)|alter table .* detach partition [^ ]+) concurrently\b/i;
const OUTSIDE_ONLY = /^(vacuum|(create|drop) (database|tablespace)|alter system)\b/i;
const TRANSACTION_CONTROL =
  /^(begin|start transaction|commit|end|abort|prepare transaction|rollback(?! (?:(?:work|transaction) )?to\b))\b/i;

/** Whether a statement is a CONCURRENTLY one, which no transaction can hold. */
export function isConcurrent({ code }: Statement): boolean {
  return CONCURRENT.test(code);
}

/** Why a statement cannot run in a migration's transaction; undefined when it can. */
export function refuseInTransaction({ code }: Statement): string | undefined {
  if (CONCURRENT.test(code)) {
    return "CONCURRENTLY cannot run inside a transaction: move the statement into a file of its own with the line '-- tminus: no-transaction'";
  }
  if (OUTSIDE_ONLY.test(code))
    return `${firstWords(code)} cannot run inside a transaction and is not a migration`;
  if (TRANSACTION_CONTROL.test(code)) {
    return `${firstWords(code)} would end the transaction that keeps the migration and its ledger row together: remove it`;
  }
  return refuseCopy(code);
}

/** Why a statement cannot run outside a transaction; undefined when it can. */
export function refuseOutside({ code }: Statement): string | undefined {
  if (/^create (unique )?index concurrently if not exists\b/i.test(code)) {
    return "IF NOT EXISTS would take an invalid index for a finished one: remove it";
  }
  if (concurrentIndex(code) !== undefined) return undefined;
  return "only CREATE INDEX CONCURRENTLY <name> and DROP INDEX CONCURRENTLY <name> of one index can run outside a transaction: of others it could not be told after a crash whether they took effect";
}

function refuseCopy(code: string): string | undefined {
  return /^copy .* from stdin\b/i.test(code)
    ? "COPY … FROM stdin needs psql: write INSERT statements"
    : undefined;
}

function firstWords(code: string): string {
  return code.split(" ").slice(0, 2).join(" ").toUpperCase();
}
