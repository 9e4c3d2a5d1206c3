/**
 * An environment after a run of it was rolled back without anybody deciding so: nothing is deployed into it until a
 * named person unlocks it. Going back is never locked. See docs/adr/0010.
 */
export interface EnvironmentLock {
  id: number;
  environment: string;
  /** The run that was rolled back. */
  runId: string;
  release: string;
  /** The step that failed, when one did. */
  stepId?: string;
  reason: string;
  /** Whether users had been sent to the release. */
  hadTraffic: boolean;
  at: Date;
  unlocked?: { by: string; at: Date; reason: string };
}

export type NewLock = Pick<EnvironmentLock, "release" | "stepId" | "reason" | "hadTraffic">;

/** Why nothing can be deployed, as a sentence part; the same for the same lock at any time. */
export function lockText({ environment, runId, release, reason, at }: EnvironmentLock): string {
  return `${environment} is locked since ${at.toISOString()}: run ${runId} rolled ${release} back by itself: ${reason}`;
}

/** What to do about it, an imperative. */
export function unlockHint({ environment, runId }: EnvironmentLock): string {
  return `Look at tminus show ${runId}; once it is safe to deploy again: tminus unlock ${environment} --reason "<why>".`;
}
