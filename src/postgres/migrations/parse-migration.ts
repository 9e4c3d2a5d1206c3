import { sha256 } from "../../lib/hash.ts";
import { refuseInTransaction, refuseOutside } from "./check-statement.ts";
import { MIGRATION_PHASES, type Allowance, type Migration, type MigrationPhase } from "./migration.ts";
import { splitStatements, type Statement } from "../sql/statements.ts";

export type ParsedMigration =
  | { migration: Migration }
  /** One line each, beginning with file:line. */
  | { problems: string[] };

const FILE_NAME = /^(\d{1,20})_([^/\\]+)\.sql$/;
const DIRECTIVE = /^\s*--\s*tminus\b\s*:?\s*(.*?)\s*$/i;

/** Reads one file's content; `file` is its name without folder. */
export function parseMigration(file: string, content: string): ParsedMigration {
  const named = FILE_NAME.exec(file);
  if (named === null) return { problems: [`${file}:1: the name is not <timestamp>_<name>.sql`] };
  const text = content.replaceAll(/\r\n?/g, "\n");
  const problems: string[] = [];
  const report = (line: number, what: string): void => void problems.push(`${file}:${line}: ${what}`);

  const { preamble, up, down, transactional, phase, allows } = readSections(text, report);
  const upStatements = readStatements(up, transactional, report);
  const downStatements = readStatements(down, transactional, report);
  const stray = readSection(preamble, report)[0];
  if (stray !== undefined) report(stray.line, "this statement stands before '-- tminus: up'");
  if (up === undefined) report(1, "there is no line '-- tminus: up'");
  else if (upStatements.length === 0 && problems.length === 0)
    report(up.line, "the up section has no statement");
  if (problems.length > 0) return { problems };
  return {
    migration: {
      format: "native",
      version: named[1]!,
      name: named[2]!,
      file,
      checksum: sha256(text),
      transactional,
      phase: phase ?? "expand",
      allows,
      up: upStatements,
      ...(down === undefined || downStatements.length === 0
        ? {}
        : { down: { sql: down.sql, line: down.line } }),
    },
  };
}

export interface Section {
  sql: string;
  /** Line of the file at which `sql` begins. */
  line: number;
}

export interface Sections {
  preamble: Section;
  up?: Section;
  down?: Section;
  transactional: boolean;
  phase?: MigrationPhase;
  allows: Allowance[];
}

type Report = (line: number, what: string) => void;

/** Cuts a file at its directives and reports those that it does not know; without any, all is preamble. Line ends are LF. */
export function readSections(text: string, report: Report): Sections {
  const sections: Sections = { preamble: { sql: "", line: 1 }, transactional: true, allows: [] };
  let current = sections.preamble;
  for (const [index, lineText] of text.split("\n").entries()) {
    const written = DIRECTIVE.exec(lineText)?.[1];
    const directive = written?.toLowerCase();
    if (written === undefined) {
      current.sql += `${lineText}\n`;
      continue;
    }
    if (directive === "up" || directive === "down") {
      if (sections[directive] !== undefined) report(index + 1, `there is a second ${directive} section`);
      current = { sql: "", line: index + 2 };
      sections[directive] ??= current;
    } else {
      readSetting(sections, written, index + 1, report);
      current.sql += "\n"; // keeps the lines of the section countable
    }
  }
  return sections;
}

function readSetting(sections: Sections, written: string, line: number, report: Report): void {
  const [word = "", first = "", ...rest] = written.split(/\s+/);
  if (/^no-transaction$/i.test(written)) sections.transactional = false;
  else if (/^phase$/i.test(word)) readPhase(sections, first, line, report);
  else if (/^allow$/i.test(word)) {
    if (rest.length === 0) report(line, "write '-- tminus: allow <rule> <reason>', with a reason");
    else sections.allows.push({ rule: first.toLowerCase(), reason: rest.join(" "), line });
  } else report(line, `'${written}' is not up, down, no-transaction, phase or allow`);
}

function readPhase(sections: Sections, word: string, line: number, report: Report): void {
  const phase = MIGRATION_PHASES.find((known) => known === word.toLowerCase());
  if (phase === undefined) report(line, `the phase is expand, migrate or contract, not '${word}'`);
  else if (sections.phase !== undefined) report(line, "there is a second line that names a phase");
  else sections.phase = phase;
}

function readStatements(section: Section | undefined, transactional: boolean, report: Report): Statement[] {
  if (section === undefined) return [];
  const statements = readSection(section, report);
  for (const statement of statements) {
    const refusal = transactional ? refuseInTransaction(statement) : refuseOutside(statement);
    if (refusal !== undefined) report(statement.line, refusal);
  }
  return statements;
}

function readSection({ sql, line }: Section, report: Report): Statement[] {
  const { statements, problem } = splitStatements(sql, line);
  if (problem !== undefined) report(problem.line, problem.text);
  return statements;
}
