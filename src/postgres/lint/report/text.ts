import { bySeverity, countBySeverity, type Finding } from "../finding.ts";
import type { LintReport } from "../lint.ts";

/** All of a report for people: the strongest finding first, what to write instead below it, the count at the end. */
export function textReport(report: LintReport): string[] {
  return [
    ...bySeverity(report.findings).flatMap((finding) => [
      `${placeOf(finding)}  ${finding.severity}  ${finding.message}  [${finding.rule}]`,
      `    ${finding.hint}`,
    ]),
    ...report.allowed.map((finding) => `${placeOf(finding)}  allowed  ${finding.rule}: ${finding.reason}`),
    summary(report),
  ];
}

/** "2 of block, 1 note in 14 statements of 3 files". */
export function summary({ findings, files, statements }: LintReport): string {
  const { block, ask, note } = countBySeverity(findings);
  const found = [
    ...(block > 0 ? [`${block} to block`] : []),
    ...(ask > 0 ? [`${ask} to ask about`] : []),
    ...(note > 0 ? [plural(note, "note")] : []),
  ];
  const where = `${plural(statements, "statement")} of ${plural(files, "file")}`;
  return found.length === 0 ? `nothing found in ${where}` : `${found.join(", ")} in ${where}`;
}

/** "1_users.sql:4:1" */
export function placeOf({ file, line, column }: Finding): string {
  return `${file}:${line}:${column}`;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
