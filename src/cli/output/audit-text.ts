import type { AuditProblem } from "../../audit/problem.ts";
import type { AuditReport } from "../../audit/verify.ts";
import { clean, type Style } from "../../report/text.ts";

const SHOWN = 20;

export interface Verified {
  report: AuditReport;
  /** Where the anchors are; undefined when there is no such place. */
  place: string | undefined;
  /** Why it could not be found out whether it is sound. */
  unknown: string | undefined;
}

/** What verifying came to, for people. */
export function auditText({ report, place, unknown }: Verified, style: Style): string[] {
  const { project, verdict, head, entries, runs, events, evidence, problems, problemsLeftOut } = report;
  const read = `${count(entries, "entry", "entries")}, ${count(runs, "run")}, ${count(events, "event")}, ${count(evidence, "piece of evidence", "pieces of evidence")}`;
  const headLine = head.sequence === 0 ? [] : [`  head: entry ${head.sequence}, ${clean(head.hash)}`];
  if (verdict === "broken") {
    const more = problems.length + problemsLeftOut - SHOWN;
    return [
      style.red(`✗ the history of ${clean(project)} was changed; looked at: ${read}`),
      ...problems.slice(0, SHOWN).map((problem) => `  ${problemText(problem)}`),
      ...(more > 0 ? [`  and ${more.toLocaleString("en")} more; --json has up to 1,000`] : []),
    ];
  }
  if (unknown !== undefined) {
    return [
      style.yellow(
        `? the history of ${clean(project)} fits together, but not known is whether it is the one that was: ${read}`,
      ),
      ...headLine,
      `  ${clean(unknown)}`,
      "  more: tminus explain ANCHOR_UNKNOWN",
    ];
  }
  return [
    style.green(`✓ the history of ${clean(project)} is as it was written: ${read}`),
    ...headLine,
    `  ${place === undefined ? NOT_COMPARED : comparedText(report, place)}`,
  ];
}

const NOT_COMPARED =
  "not compared with anything outside the state: its owner could have rewritten all of it (see audit.anchor of the runbook)";

function comparedText({ anchors: { checked, entriesSince } }: AuditReport, place: string): string {
  const since =
    entriesSince === 0 ? "" : `; ${count(entriesSince, "entry is", "entries are")} newer than the last one`;
  return clean(`as ${count(checked, "anchor says", "anchors say")} in ${place}${since}`);
}

function problemText({ how, run, text }: AuditProblem): string {
  return clean(`${run === undefined ? "the project's log" : `run ${run}`}: ${text} (${how})`);
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}
