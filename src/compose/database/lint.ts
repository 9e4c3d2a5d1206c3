import { posix, resolve, sep } from "node:path";
import type { DatabasePlace } from "../../model/database.ts";
import { countBySeverity, type Finding } from "../../postgres/lint/finding.ts";
import { lintFolder, lintPending, type LintRequest } from "../../postgres/lint/lint-migrations.ts";
import type { LintReport } from "../../postgres/lint/lint.ts";
import { lintRules } from "../../postgres/lint/registry.ts";
import { githubReport } from "../../postgres/lint/report/github.ts";
import { sarifReport } from "../../postgres/lint/report/sarif.ts";
import { textReport } from "../../postgres/lint/report/text.ts";
import type { FormatChoice } from "./status.ts";

const READ_TIMEOUT_MS = 15_000;

export interface LintQuestion {
  /** As it was written; it is put before the names of the files. */
  folder: string;
  /** What `folder` is relative to. */
  directory: string;
  history: FormatChoice;
  style: boolean;
  format: "text" | "sarif" | "github";
  signal: AbortSignal;
}

export interface LintAnswer {
  counts: ReturnType<typeof countBySeverity>;
  /** What keeps the files from running whatever is in them; empty when no database was asked. */
  problems: { reason: string; fix: string }[];
  /** The SARIF log, or all that was found. */
  value: object;
  /** The same in the format that was asked for. */
  lines: string[];
}

/**
 * Lints what is pending in a database, or every file when none is given. Reads only.
 * Errors: MIGRATION_INVALID, DATABASE_UNREACHABLE.
 */
export async function lintDatabase(
  place: DatabasePlace | undefined,
  { folder, directory, history, style, format, signal }: LintQuestion,
): Promise<LintAnswer> {
  const request: LintRequest = { directory: resolve(directory, folder), format: history, style };
  const found =
    place === undefined ? await lintFolder(request) : await lintPending(request, sessionOf(place, signal));
  const report = named(found, folder);
  const { problems } = found;
  const answer = { counts: countBySeverity(report.findings), problems };
  if (format === "sarif") {
    const sarif = sarifReport(report, lintRules);
    return { ...answer, value: sarif, lines: [JSON.stringify(sarif, undefined, 2)] };
  }
  return {
    ...answer,
    value: {
      environment: place?.environment ?? null,
      format: found.format,
      files: report.files,
      statements: report.statements,
      findings: report.findings.map(asJson),
      allowed: report.allowed.map((finding) => ({ ...asJson(finding), reason: finding.reason })),
      problems,
    },
    lines: format === "github" ? githubReport(report) : textReport(report),
  };
}

function sessionOf({ connectionString }: DatabasePlace, signal: AbortSignal) {
  return {
    connectionString: connectionString.reveal(),
    purpose: "look",
    statementTimeoutMs: READ_TIMEOUT_MS,
    signal,
  };
}

/** With the paths that people and machines find the files by. */
function named(report: LintReport, folder: string): LintReport {
  const path = (file: string): string => posix.join(folder.split(sep).join("/"), file);
  return {
    ...report,
    findings: report.findings.map((finding) => ({ ...finding, file: path(finding.file) })),
    allowed: report.allowed.map((finding) => ({ ...finding, file: path(finding.file) })),
  };
}

function asJson({ rule, severity, file, line, column, message, hint, relation }: Finding) {
  return { rule, severity, file, line, column, message, hint, relation: relation ?? null };
}
