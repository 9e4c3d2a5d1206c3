import type { Judgement } from "./judge.ts";
import type { JudgedFinding } from "./judge-findings.ts";
import type { Rehearsal } from "./rehearsal.ts";
import { rangeText, totalText } from "./sentence.ts";

const TIERS = {
  0: "in this process, structure only",
  1: "on a scratch server with made-up rows",
  2: "in a copy of a proven restore",
} as const;

/** A rehearsal for people: one line a file, then what it all comes to, what speaks against it and what was not seen. */
export function rehearsalLines(rehearsal: Rehearsal, { refusals, warnings }: Judgement): string[] {
  const { tier, server, history, files, total, limits } = rehearsal;
  const range = total.state === "estimated" && total.highMs >= 1 ? ` (${rangeText(total)})` : "";
  return [
    `rehearsed ${TIERS[tier]}, PostgreSQL ${server}, after ${history} that have run, ${files.length} pending`,
    ...files.map(({ file, sentence }) => `${file}: ${sentence}`),
    ...(files.length > 1 ? [`all files: ${totalText(total)}${range}`] : []),
    ...refusals.map((text) => `refused: ${text}`),
    ...warnings.map((text) => `note: ${text}`),
    ...limits.map((text) => `not seen: ${text}`),
  ];
}

/** What the rehearsal says to the linter's findings, one line each; nothing of those that it could not see. */
export function findingLines(judged: readonly JudgedFinding[]): string[] {
  return judged
    .filter(({ verdict }) => verdict !== "unseen")
    .map(
      ({ finding: { file, line, rule }, verdict, reason }) =>
        `${verdict} by what it did: ${file}:${line} ${rule}: ${reason}`,
    );
}
