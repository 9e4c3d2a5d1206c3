import type { Attempt, Run } from "../model/run.ts";
import type { LoadReport } from "../testing/load-generator.ts";
import type { Outage } from "./outage.ts";

/** One line of the table at the end of the demo. */
export interface ReleaseReport {
  release: string;
  outcome: string;
  /** Requests that ended while the release's run was under way, whichever release answered. */
  requests: number;
  /** Of those: no answer, or a 5xx. */
  failed: number;
  /** From the release's first bad response to the decision to roll back; null when none was taken. */
  decidedAfterMs: number | null;
  /** From the beginning of the step that failed to the decision: what the plan forecasts; null when none failed. */
  watchedForMs: number | null;
  /** From its first bad response to its last; 0 when there was none. */
  badMs: number;
  /** What the watch did while its source was dead. */
  outage?: Outage;
}

/** What customers had been counted at a moment; zeros before there were any. */
export interface Tally {
  /** When the customers' process started counting; another one starts again from zero. */
  startedAt: number;
  requests: number;
  failed: number;
}

export function tallyOf(report: LoadReport | undefined): Tally {
  return {
    startedAt: report?.startedAt ?? 0,
    requests: report?.total.requests ?? 0,
    failed: report?.total.failed ?? 0,
  };
}

export function reportRelease(
  release: string,
  { run, attempts }: { run: Run; attempts: readonly Attempt[] },
  before: Tally,
  after: LoadReport | undefined,
): ReleaseReport {
  const figures = after?.byRelease[release];
  const now = tallyOf(after);
  const base = now.startedAt === before.startedAt ? before : { requests: 0, failed: 0 };
  const firstBadMs = figures?.firstBadAt ?? null;
  const lastBadMs = figures?.lastBadAt ?? null;
  const decidedMs = run.verdict === undefined ? null : Date.parse(run.verdict.at);
  const failed = attempts.findLast(({ stepId, phase }) => phase === "act" && stepId === run.verdict?.stepId);
  return {
    release,
    outcome: (run.outcome ?? "unknown").replaceAll("-", "_"),
    requests: now.requests - base.requests,
    failed: now.failed - base.failed,
    decidedAfterMs: decidedMs === null || firstBadMs === null ? null : Math.max(0, decidedMs - firstBadMs),
    watchedForMs: decidedMs === null || failed === undefined ? null : decidedMs - failed.begunAt.getTime(),
    badMs: firstBadMs === null || lastBadMs === null ? 0 : lastBadMs - firstBadMs,
  };
}

/** The table as lines, for people. */
export function renderTable(releases: ReleaseReport[]): string[] {
  const header = ["release", "outcome", "requests", "failed", "decided after", "bad responses for"];
  const rows = releases.map(({ release, outcome, requests, failed, decidedAfterMs, badMs }) => [
    release,
    outcome.replaceAll("_", " "),
    String(requests),
    String(failed),
    decidedAfterMs === null ? "–" : seconds(decidedAfterMs),
    badMs === 0 ? "–" : seconds(badMs),
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  return [header, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
