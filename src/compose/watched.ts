import { sha256 } from "../lib/hash.ts";
import type { PlannedStep } from "../model/plan.ts";
import { stepsOf } from "../model/plan-steps.ts";
import type { Attempt, Run } from "../model/run.ts";
import type { StepKind } from "../model/step-kind.ts";
import type { WatchedStep } from "../model/tminus.ts";
import { stepKinds } from "../steps/registry.ts";
import { readEvidenceText } from "../store/evidence.ts";
import type { Pool } from "../store/pool.ts";
import * as runs from "../store/runs.ts";

type Watching = StepKind & Required<Pick<StepKind, "watched">>;

/**
 * What the steps of a run that watch rules have seen, of those that have begun, or of one step alone. A step that goes
 * on is told by what it keeps, one that has ended by its evidence.
 */
export async function watchedSteps(
  pool: Pool,
  run: Run,
  stepId: string | undefined,
  nowMs: number,
): Promise<WatchedStep[]> {
  const steps = stepsOf(run.plan).flatMap((step) => {
    const kind = stepKinds[step.kind];
    const isMeant = stepId === undefined || step.id === stepId;
    return isMeant && kind?.watched !== undefined ? [{ step, kind: kind as Watching }] : [];
  });
  if (steps.length === 0) return [];
  const attempts = await runs.listAttempts(pool, run.id);
  const found: WatchedStep[] = [];
  for (const { step, kind } of steps) {
    const last = attempts.findLast((attempt) => attempt.stepId === step.id && attempt.phase === "act");
    if (last !== undefined) found.push(await watchedStep(pool, run, step, kind, last, nowMs));
  }
  return found;
}

async function watchedStep(
  pool: Pool,
  run: Run,
  { id, title, kind, kindVersion, with: settings, facts }: PlannedStep,
  { version, watched }: Watching,
  last: Attempt,
  nowMs: number,
): Promise<WatchedStep> {
  const about = { stepId: id, title };
  if (version !== kindVersion)
    return { ...about, unknown: `this tminus does not know ${kind} as the run planned it` };
  const state = await runs.readStepState(pool, run.id, id);
  const isOver = last.state !== "begun" || run.state === "ended" || run.state === "rolling-back";
  const report = watched({
    with: settings,
    facts,
    release: run.plan.release,
    state,
    evidence: last.state === "begun" ? {} : await contentsOf(pool, run.id, id),
    nowMs: isOver ? undefined : nowMs,
  });
  if (report !== undefined) return { ...about, report };
  const unknown =
    state === undefined
      ? "it has not looked yet"
      : "what it keeps is in a form that this tminus does not know";
  return { ...about, unknown };
}

async function contentsOf(pool: Pool, runId: string, stepId: string): Promise<Record<string, string>> {
  const contents: Record<string, string> = {};
  for (const [name, hash] of Object.entries(await runs.lastEvidenceOf(pool, runId, stepId))) {
    const content = await readEvidenceText(pool, hash);
    // Evidence is named by its hash: what does not have it is not what the run kept.
    if (content !== undefined && sha256(content) === hash) contents[name] = content;
  }
  return contents;
}
