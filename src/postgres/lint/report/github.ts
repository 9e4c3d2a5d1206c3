import { bySeverity, type Severity } from "../finding.ts";
import type { LintReport } from "../lint.ts";
import { summary } from "./text.ts";

const COMMAND: Readonly<Record<Severity, string>> = { block: "error", ask: "warning", note: "notice" };

/**
 * Workflow commands that GitHub shows as annotations of the changed lines, and the count.
 * https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
 */
export function githubReport(report: LintReport): string[] {
  const lines = bySeverity(report.findings).map(
    ({ severity, file, line, column, rule, message, hint }) =>
      `::${COMMAND[severity]} file=${property(file)},line=${line},col=${column},title=${property(rule)}::${data(`${message}. ${hint}`)}`,
  );
  return [...lines, summary(report)];
}

function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
