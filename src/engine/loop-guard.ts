import { formatDuration } from "../lib/duration.ts";
import { lockText, type EnvironmentLock, type NewLock } from "../model/lock.ts";
import type { RunOutcome, RunVerdict } from "../model/run.ts";
import { askPerson, type Answer } from "./ask-person.ts";
import type { Cure } from "./cure.ts";
import { trafficMovedAt } from "./earlier-step.ts";
import type { RunExecution } from "./execution.ts";

/** A deploy into an environment that was locked while it waited for it changes nothing. Going back is never locked. */
export async function lockedVerdict({ run, ports }: RunExecution): Promise<RunVerdict | undefined> {
  if (run.plan.purpose !== "deploy") return undefined;
  const lock = await ports.journal.lock(run.plan.project, run.environment);
  if (lock === undefined) return undefined;
  const at = ports.clock.now().toISOString();
  return { decision: "fail", code: "ENVIRONMENT_LOCKED", reason: lockText(lock), by: "tminus", at };
}

/** What the environment is locked with when the run ends so; undefined when a person decided or nothing was undone. */
export function lockAfter(
  execution: RunExecution,
  { by, reason, stepId }: RunVerdict,
  outcome: RunOutcome,
  cure: Cure,
): NewLock | undefined {
  const { plan } = execution.run;
  const isRolledBack = outcome === "rolled-back" || outcome === "rollback-failed";
  if (plan.purpose !== "deploy" || by !== "tminus" || !isRolledBack) return undefined;
  return {
    release: plan.release,
    ...(stepId === undefined ? {} : { stepId }),
    reason: cure.verdict === "pass" ? reason : `${reason}; ${cure.reason}`,
    hadTraffic: trafficMovedAt(execution) !== undefined,
  };
}

/**
 * The earlier time that traffic was taken away from this release by itself, when this run would do it for the second
 * time. A release without traffic is cleaned up as often as it fails: nobody sees that.
 */
export async function earlierRollback(
  execution: RunExecution,
  { by }: RunVerdict,
): Promise<EnvironmentLock | undefined> {
  const { run, ports } = execution;
  const { project, release, purpose } = run.plan;
  if (by !== "tminus" || purpose !== "deploy" || trafficMovedAt(execution) === undefined) return undefined;
  return ports.journal.lastRollbackOf(project, run.environment, release);
}

/**
 * Pages people and asks them instead of rolling the same release back by itself for the second time. When nobody
 * answers in time it goes back all the same: users do not wait for ever. Undefined when a person stopped the run instead.
 */
export function askBeforeSecondRollback(
  execution: RunExecution,
  subject: string,
  reason: string,
  earlier: EnvironmentLock,
): Promise<Answer | undefined> {
  const { run, ports, environment } = execution;
  const { release } = run.plan;
  const unlocked = earlier.unlocked;
  const since = unlocked === undefined ? "" : `, and ${unlocked.by} unlocked it ("${unlocked.reason}")`;
  const text = [
    `${subject} failed: ${reason}`,
    `${release} was rolled back from ${run.environment} by itself before (run ${earlier.runId}: ${earlier.reason})${since}, so a person decides this time`,
    `Decide: tminus resume ${run.id} --as done | retry | failed, or tminus rollback ${run.id}; without an answer within ${formatDuration(ports.secondRollbackMs)} it goes back`,
  ].join(". ");
  return askPerson(execution, subject, text, {
    limitMs: ports.secondRollbackMs,
    page: {
      key: "second-rollback",
      title: `${release} fails again on ${run.environment}: decide`,
      text: `${text}\n${environment.view.url}`,
    },
  });
}
