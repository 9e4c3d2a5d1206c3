import type { Statement } from "../sql/statements.ts";
import { runsOutside } from "./check-statement.ts";

const BEGIN = /^(begin|start transaction)\b/i;
const PLAIN_BEGIN = /^(begin( (work|transaction))?|start transaction)$/i;
const COMMIT = /^(commit|end)( (work|transaction))?( and no chain)?$/i;
const OTHER =
  /^(commit|end|abort|prepare transaction|commit prepared|rollback(?! (?:(?:work|transaction) )?to\b))\b/i;

export interface OwnTransaction {
  /** Without BEGIN and COMMIT: they run in the transaction that also writes the history. */
  statements: Statement[];
  refusals: { at: Statement; what: string }[];
}

/**
 * Files of other tools often hold their own BEGIN and COMMIT. One pair is taken away, because the transaction of
 * the history row does what it did; anything else would end that transaction and is refused.
 */
export function ownTransaction(script: readonly Statement[]): OwnTransaction {
  const refusals: OwnTransaction["refusals"] = [];
  const statements: Statement[] = [];
  let pairs = 0;
  let open: Statement | undefined;
  for (const statement of script) {
    const { code } = statement;
    const refuse = (what: string): void => void refusals.push({ at: statement, what });
    if (BEGIN.test(code)) {
      if (open !== undefined) refuse("this BEGIN stands inside another: remove it");
      else if (pairs > 0)
        refuse("this BEGIN opens a second transaction: move what follows into a file of its own");
      else if (!PLAIN_BEGIN.test(code))
        refuse("a transaction with options cannot be kept: write BEGIN alone");
      open = statement;
    } else if (COMMIT.test(code)) {
      if (open === undefined) refuse("this COMMIT ends no transaction of the file: remove it");
      open = undefined;
      pairs++;
    } else if (OTHER.test(code)) {
      refuse(`${code.split(" ")[0]!.toUpperCase()} would take back what the history says has run: remove it`);
    } else {
      if (open !== undefined && runsOutside(statement))
        refuse("CONCURRENTLY cannot run inside BEGIN … COMMIT: move it behind COMMIT");
      statements.push(statement);
    }
  }
  if (open !== undefined) refusals.push({ at: open, what: "this BEGIN is never followed by COMMIT: add it" });
  return { statements, refusals };
}
