import { TminusError } from "../../errors.ts";
import { positionOf, sqlStateOf, type Session } from "../session/connect.ts";
import { countLines, type Statement } from "../sql/statements.ts";

/** Answers to a lock that did not come; the transaction is tried again by whoever holds it. */
const LOCK_STATES = ["55P03", "40P01"];
const MAX_SHOWN = 120;

/** Runs one statement of a file. Errors: MIGRATION_FAILED naming file:line; DATABASE_UNREACHABLE. */
export async function runStatement(session: Session, file: string, statement: Statement): Promise<void> {
  try {
    await session.query(statement.text);
  } catch (error) {
    throw asStatementError(file, statement, error, positionOf(error));
  }
}

/**
 * MIGRATION_FAILED naming file:line for what the database refused in a statement; the error itself when it is
 * about a lock or the connection. `position` counts the statement's characters from 1.
 */
export function asStatementError(
  file: string,
  statement: Statement,
  error: unknown,
  position: number | undefined,
): unknown {
  const state = sqlStateOf(error);
  if (state === undefined || LOCK_STATES.includes(state)) return error;
  return statementFailed(file, lineOf(statement, position), error, statement);
}

/** Runs work of a file; what the database refuses outside its statements becomes MIGRATION_FAILED too, such as a deferred constraint at the commit. */
export async function asMigrationError<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw sqlStateOf(error) === undefined ? error : statementFailed(file, 1, error);
  }
}

/** The first line of a statement, shortened for people. */
export function firstLine({ code }: Statement): string {
  const line = code.replaceAll(/\s+/g, " ");
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN - 1)}…` : line;
}

function statementFailed(file: string, line: number, error: unknown, statement?: Statement): TminusError {
  const reason = error instanceof Error ? error.message : String(error);
  const shown = statement === undefined ? "" : `\n  ${firstLine(statement)}`;
  return new TminusError(
    "MIGRATION_FAILED",
    `${file}:${line}: ${reason} (${sqlStateOf(error) ?? "no SQLSTATE"})${shown}`,
    {
      details: { file, line, sqlState: sqlStateOf(error) ?? null },
      cause: error,
    },
  );
}

/** PostgreSQL counts characters, JavaScript UTF-16 units. */
function lineOf({ text, line }: Statement, position: number | undefined): number {
  if (position === undefined) return line;
  const before = Array.from(text.slice(0, 2 * position))
    .slice(0, position - 1)
    .join("");
  return line + countLines(before, before.length);
}
