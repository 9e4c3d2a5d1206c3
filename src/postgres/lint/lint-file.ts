import type { Allowance, MigrationPhase } from "../migrations/migration.ts";
import { readSections } from "../migrations/parse-migration.ts";

/** A migration file as the linter sees it: the part that runs forward. */
export interface LintFile {
  /** For people and machines: a path, or a name. */
  file: string;
  sql: string;
  /** Line of the file at which `sql` begins, counted from 1. */
  firstLine: number;
  /** False: each statement runs alone, as far as the file itself begins no transaction. */
  transactional: boolean;
  phase: MigrationPhase;
  /** Comments above its sections; empty where the whole file is linted. */
  preamble: string;
  /** Its down section. */
  down?: string;
  allows: readonly Allowance[];
  /** Directives that cannot be understood. */
  problems: readonly { line: number; text: string }[];
}

export interface ReadLintFileOptions {
  /** How the tool that owns the file runs one that says nothing about it. */
  transactional?: boolean;
}

/**
 * Reads a file of any tool. With a line '-- tminus: up' only that section is linted; without one the whole file is.
 * Line ends become LF.
 */
export function readLintFile(
  file: string,
  content: string,
  { transactional = true }: ReadLintFileOptions = {},
): LintFile {
  const problems: { line: number; text: string }[] = [];
  const sections = readSections(content.replaceAll(/\r\n?/g, "\n"), (line, text) =>
    problems.push({ line, text }),
  );
  const { sql, line } = sections.up ?? sections.preamble;
  return {
    file,
    sql,
    firstLine: line,
    transactional: sections.transactional && (sections.up !== undefined || transactional),
    phase: sections.phase ?? "expand",
    preamble: sections.up === undefined ? "" : sections.preamble.sql,
    ...(sections.down === undefined ? {} : { down: sections.down.sql }),
    allows: sections.allows,
    problems,
  };
}
