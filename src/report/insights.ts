import type { EndedDeploy } from "../model/run-list.ts";

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

/** From when on deploys count. */
export function insightsSince(now: Date): Date {
  return new Date(now.getTime() - SPAN_DAYS * DAY_MS);
}

/**
 * The four keys of https://dora.dev/guides/dora-metrics-four-keys/ over the last 90 days, or as far back as the deploys go
 * when they are cut off. In any order.
 */
export function insightsOf(
  deploys: readonly EndedDeploy[],
  now: Date,
  { isCut }: { isCut: boolean },
): Insights {
  const since = insightsSince(now).getTime();
  const ended = deploys.filter(({ endedAt }) => endedAt.getTime() >= since);
  const from = isCut ? Math.min(now.getTime(), ...ended.map(({ endedAt }) => endedAt.getTime())) : since;
  const succeeded = ended.filter(({ outcome }) => outcome === "succeeded");
  const failed = ended.filter(({ outcome }) => outcome !== "succeeded" && outcome !== "stopped");
  const carriedOut = [...succeeded, ...failed];
  const recovered = failed.filter(({ isVerified, decidedAt }) => isVerified && decidedAt !== undefined);
  const first = Math.min(now.getTime(), ...ended.map(({ createdAt }) => createdAt.getTime()));
  const days = Math.max(1, (now.getTime() - first) / DAY_MS);
  return {
    from: new Date(from).toISOString(),
    until: now.toISOString(),
    deploysPerDay: { value: ended.length === 0 ? null : succeeded.length / days, runs: idsOf(succeeded) },
    leadTimeMs: { value: null, runs: [] },
    changeFailurePercent: {
      value: carriedOut.length === 0 ? null : (100 * failed.length) / carriedOut.length,
      runs: idsOf(failed),
    },
    recoveryMs: {
      value: median(recovered.map(({ endedAt, decidedAt }) => endedAt.getTime() - decidedAt!.getTime())),
      runs: idsOf(recovered),
    },
  };
}

function idsOf(runs: readonly EndedDeploy[]): string[] {
  return runs.map(({ id }) => id);
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return null;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
