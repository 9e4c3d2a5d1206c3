import type { Statement } from "../sql/statements.ts";

const CONCURRENT =
  /^(create (unique )?index|drop index|reindex( \([^)]*\))? (index|table|schema|database|system)|alter table .* detach partition .+) concurrently\b/i;
const NEVER = /^((create|drop) (database|tablespace)|alter system)\b/i;
const TRANSACTION_CONTROL =
  /^(begin|start transaction|commit|end|abort|prepare transaction|rollback(?! (?:(?:work|transaction) )?to\b))\b/i;
const SETS_STRINGS = /^set (session |local )?standard_conforming_strings\b/i;
const TEMPORARY = /^create (?:(?:local|global) )?temp(?:orary)? /i;

/** Whether PostgreSQL refuses to run a statement inside a transaction, though a migration may hold it. */
export function runsOutside({ code }: Statement): boolean {
  return CONCURRENT.test(code) || /^vacuum\b/i.test(code);
}

/** Whether a statement begins or ends a transaction, so that what ran before it cannot be taken back. */
export function controlsTransaction({ code }: Statement): boolean {
  return TRANSACTION_CONTROL.test(code);
}

/** Why a statement cannot run in a migration's transaction; undefined when it can. */
export function refuseInTransaction(statement: Statement): string | undefined {
  if (runsOutside(statement)) {
    const what = CONCURRENT.test(statement.code) ? "CONCURRENTLY" : firstWords(statement.code, 1);
    return `${what} cannot run inside a transaction: add the line '-- tminus: no-transaction' before the sections`;
  }
  return refuseAlways(statement);
}

/**
 * Why a statement cannot be in a file that is no single transaction; undefined when it can. Such a file is run
 * in pieces, and after a crash from the piece at which it stopped.
 */
export function refuseOutside(statement: Statement): string | undefined {
  const { code } = statement;
  if (/^drop index concurrently [^,]+,/i.test(code))
    return "PostgreSQL drops one index at a time concurrently: write one statement for each";
  if (TEMPORARY.test(code))
    return "a temporary table would be gone if the file had to go on in another session: use a table, or a file that is one transaction";
  return refuseAlways(statement);
}

function refuseAlways({ code, text }: Statement): string | undefined {
  if (NEVER.test(code))
    return `${firstWords(code, 2)} cannot run inside a transaction and is not a migration`;
  if (TRANSACTION_CONTROL.test(code)) {
    return `${firstWords(code, 2)} would end the transaction that keeps the migration and its ledger row together: remove it`;
  }
  // A file is read as a whole before it runs.
  if (SETS_STRINGS.test(code) && !/\b(on|true|yes|1|default)'?$/i.test(text))
    return "the file is read with standard_conforming_strings on, whatever it sets: remove it, and write strings that escape with backslashes as E'…'";
  return /^copy .* from stdin\b/i.test(code)
    ? "COPY … FROM stdin needs psql: write INSERT statements"
    : undefined;
}

function firstWords(code: string, count: number): string {
  return code.split(" ").slice(0, count).join(" ").toUpperCase();
}
