import type { Run } from "../model/run.ts";

const DAY_MS = 86_400_000;
const SPAN_DAYS = 90;

/** A number and the runs that it is made of; null when nothing is known. */
export interface Figure {
  value: number | null;
  runs: string[];
}

export interface Insights {
  /** ISO 8601. */
  from: string;
  until: string;
  /** Deploys that succeeded, over the days since the first one, at least one. */
  deploysPerDay: Figure;
  /** Median from commit to users. The journal does not know when a commit was made: null. */
  leadTimeMs: Figure;
  /** Of the deploys that were carried out, those that failed or were rolled back. One that a person stopped is none of either. */
  changeFailurePercent: Figure;
  /** Median from the decision to roll back to the end state that was seen to be good. */
  recoveryMs: Figure;
}

/** The four keys of https://dora.dev/guides/dora-metrics-four-keys/ over the last 90 days. Runs in any order. */
export function insightsOf(runs: readonly Run[], now: Date): Insights {
  const earliest = now.getTime() - SPAN_DAYS * DAY_MS;
  const ended = runs.filter(
    ({ plan, endedAt }) =>
      plan.purpose === "deploy" && endedAt !== undefined && endedAt.getTime() >= earliest,
  );
  const succeeded = ended.filter(({ outcome }) => outcome === "succeeded");
  const failed = ended.filter(({ outcome }) => outcome !== "succeeded" && outcome !== "stopped");
  const carriedOut = [...succeeded, ...failed];
  const recovered = failed.filter(
    ({ endState, verdict }) => endState?.verdict === "verified" && verdict !== undefined,
  );
  const first = Math.min(now.getTime(), ...ended.map(({ createdAt }) => createdAt.getTime()));
  const days = Math.max(1, (now.getTime() - first) / DAY_MS);
  return {
    from: new Date(earliest).toISOString(),
    until: now.toISOString(),
    deploysPerDay: { value: ended.length === 0 ? null : succeeded.length / days, runs: idsOf(succeeded) },
    leadTimeMs: { value: null, runs: [] },
    changeFailurePercent: {
      value: carriedOut.length === 0 ? null : (100 * failed.length) / carriedOut.length,
      runs: idsOf(failed),
    },
    recoveryMs: {
      value: median(recovered.map(({ endedAt, verdict }) => endedAt!.getTime() - Date.parse(verdict!.at))),
      runs: idsOf(recovered),
    },
  };
}

function idsOf(runs: readonly Run[]): string[] {
  return runs.map(({ id }) => id);
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return null;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
