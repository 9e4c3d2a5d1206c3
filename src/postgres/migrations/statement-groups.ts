import type { Statement } from "../sql/statements.ts";
import { runsOutside } from "./check-statement.ts";

/** A piece of a file that is not one transaction. `first` is the position of its first statement, from 0. */
export type StatementGroup =
  | { kind: "together"; first: number; statements: Statement[] }
  | { kind: "outside"; first: number; statement: Statement };

const VALIDATE = /^alter table .*\bvalidate constraint\b/i;
const ADD_VALUE = /^alter type .*\badd value\b/i;
const SETTING =
  /^(set (?!local\b|transaction\b|constraints\b)|reset\b|select (pg_catalog ?\. ?)?set_config ?\()/i;

/**
 * Pure: cuts a file into pieces that are each a transaction, or a statement that no transaction can hold.
 * VALIDATE CONSTRAINT gets one of its own, so that its scan holds no other lock; ADD VALUE ends one, because
 * an enum's new value cannot be used before it is committed.
 */
export function groupStatements(statements: readonly Statement[]): StatementGroup[] {
  const groups: StatementGroup[] = [];
  let isOpen = false;
  for (const [first, statement] of statements.entries()) {
    const last = groups.at(-1);
    const alone = VALIDATE.test(statement.code);
    if (runsOutside(statement)) groups.push({ kind: "outside", first, statement });
    else if (isOpen && !alone && last?.kind === "together") last.statements.push(statement);
    else groups.push({ kind: "together", first, statements: [statement] });
    isOpen = !runsOutside(statement) && !alone && !ADD_VALUE.test(statement.code);
  }
  return groups;
}

/** Whether a file cannot be one transaction, whatever its author thought. */
export function needsPieces(statements: readonly Statement[]): boolean {
  return statements.some(runsOutside) || statements.slice(0, -1).some(({ code }) => ADD_VALUE.test(code));
}

/** Whether a statement changes what the session's later statements mean: it is repeated in a new session. */
export function isSetting({ code }: Statement): boolean {
  return SETTING.test(code);
}
