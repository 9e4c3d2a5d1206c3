import { sha256 } from "../../lib/hash.ts";
import { scanSql } from "../sql/scan-sql.ts";
import { splitStatements, type Statement } from "../sql/statements.ts";
import { refuseInTransaction, refuseOutside } from "./check-statement.ts";
import type { DownSection, HistoryFormat, Migration } from "./migration.ts";
import { ownTransaction } from "./own-transaction.ts";
import { readSections } from "./parse-migration.ts";
import { needsPieces } from "./statement-groups.ts";

export interface ForeignFile {
  format: HistoryFormat;
  version: string;
  name: string;
  /** Path below the folder of migrations. */
  file: string;
  text: string;
  /** A file of its own with the undo. */
  down?: { file: string; text: string };
}

/**
 * Reads a file that another tool runs as well. What tminus cannot run as that tool would is in `refusals`: it
 * matters only if the file has not run yet.
 */
export function parseForeign({ format, version, name, file, text, down }: ForeignFile): Migration {
  const refusals: string[] = [];
  const {
    preamble,
    up: nativeUp,
    phase,
    allows,
  } = readSections(
    text.replaceAll(/\r\n?/g, "\n"),
    (line, what) => void refusals.push(`${file}:${line}:1: ${what}`),
  );
  if (nativeUp !== undefined)
    refusals.push(
      `${file}:${nativeUp.line - 1}:1: '-- tminus: up' belongs into native files: set format: native`,
    );
  const { script, up, transactional } = readScript(file, preamble.sql, refusals);
  const undo = down === undefined ? undefined : readScript(down.file, down.text, refusals);
  if (undo !== undefined && transactional && !undo.transactional)
    refusals.push(
      `${down!.file}:1:1: CONCURRENTLY cannot undo a file that is one transaction: drop the index without it`,
    );
  const section: DownSection | undefined =
    undo === undefined || undo.up.length === 0
      ? undefined
      : { sql: undo.up.map((statement) => `${statement.text};\n`).join(""), line: 1 };
  return {
    format,
    version,
    name,
    file,
    checksum: sha256(text.replaceAll(/\r\n?/g, "\n")),
    transactional,
    phase: phase ?? "expand",
    allows,
    up,
    script: script.map((statement) => statement.text),
    ...(section === undefined ? {} : { down: section }),
    ...(refusals.length === 0 ? {} : { refusals }),
  };
}

interface Script {
  /** Every statement of the file. */
  script: Statement[];
  /** Without the transaction that the file opens and ends itself. */
  up: Statement[];
  transactional: boolean;
}

function readScript(file: string, sql: string, refusals: string[]): Script {
  const refuse = ({ line, column }: { line: number; column: number }, what: string): void =>
    void refusals.push(`${file}:${line}:${column}: ${what}`);
  const { statements: script, problem } = splitStatements(sql);
  if (problem !== undefined) refuse(problem, whatInstead(problem.text));
  const { statements: up, refusals: own } = ownTransaction(script);
  for (const { at, what } of own) refuse(at, what);
  const transactional = !needsPieces(up);
  for (const statement of up) {
    const what = transactional ? refuseInTransaction(statement) : refuseOutside(statement);
    if (what !== undefined) refuse(statement, what);
    const template = findTemplate(statement.text);
    if (template !== undefined) refuse(statement, template);
  }
  return { script, up, transactional };
}

function whatInstead(problem: string): string {
  return problem.startsWith("a backslash")
    ? `${problem}: write what it does as SQL, or delete the line (\\connect, \\restrict and \\unrestrict of a dump are not needed)`
    : problem;
}

/** Braces are no SQL outside strings. */
function findTemplate(text: string): string | undefined {
  const { tokens } = scanSql(text);
  const found = tokens.some(
    (token, index) => token.kind === "symbol" && token.text === "{" && tokens[index + 1]?.text === "{",
  );
  return found
    ? "the template {{ … }} is not SQL: render the file first and give the folder of the rendered files"
    : undefined;
}
