import { crashPoint } from "../lib/crash-point.ts";
import { toErrorRecord } from "../errors.ts";
import type { NewLock } from "../model/lock.ts";
import type { RunOutcome, RunVerdict, EndState } from "../model/run.ts";
import type { JsonObject } from "../model/json.ts";
import { anchorEnd, anchorEndedRun, anchorVerdict } from "./anchor.ts";
import { askAboutCure } from "./ask-about-cure.ts";
import { askPerson, saidText } from "./ask-person.ts";
import { openControl } from "./control.ts";
import { checkCure, type Cure } from "./cure.ts";
import { verifyEndState } from "./end-state.ts";
import { goForward, stopVerdict } from "./forward.ts";
import { keepServing } from "./keep-serving.ts";
import { movedSince } from "../plan/recheck.ts";
import type { StepKind } from "../model/step-kind.ts";
import { keepLease, takeLease } from "./lease.ts";
import { askBeforeSecondRollback, earlierRollback, lockAfter, lockedVerdict } from "./loop-guard.ts";
import { openEnvironment } from "./open-environment.ts";
import type { EnginePorts } from "./ports.ts";
import type { RunExecution } from "./execution.ts";
import { tasksLeft } from "./tasks-left.ts";
import { pageFailedRollback } from "./page-failed-rollback.ts";
import { holdRepeatedError } from "./repeated-error.ts";
import { emergencyVerdict } from "./window.ts";
import { undoSteps, type UndoReport } from "./undo.ts";

/**
 * Executes one run from wherever its journal says it stands to its end. Called again after a crash, by this
 * or another worker, it goes on; called for a run that has ended, it sees to its anchor. Throws LEASE_LOST when
 * another execution took the run over, and the reason of `stop` when the worker shuts down.
 */
export async function executeRun(runId: string, ports: EnginePorts, stop: AbortSignal): Promise<void> {
  const run = await ports.journal.run(runId);
  if (run.state === "ended") return anchorEndedRun(runId, ports, stop);
  const control = await openControl(runId, ports.journal, ports.clock);
  try {
    const execution = await takeLease(run, ports, control, stop);
    if (execution === undefined) return;
    const lease = keepLease(execution, ports);
    try {
      const lost = AbortSignal.any([stop, lease.lost]);
      const attempts = await ports.journal.attempts(runId);
      const current = await ports.journal.run(runId);
      const opening = { run: current, execution, ports, control, lost, attempts };
      const environment = await openEnvironment(opening);
      if (environment === undefined) return;
      const serving = keepServing(environment, ports, lost);
      try {
        const context = { ...opening, environment, pages: new Map<string, never>() };
        await interpret(context).catch(async (error: unknown) => {
          await holdRepeatedError(context, error);
          throw error;
        });
      } finally {
        await serving.close();
        await environment.close();
      }
    } finally {
      await lease.close();
    }
  } finally {
    await control.close();
  }
}

async function interpret(context: RunExecution): Promise<void> {
  const { run, ports, execution } = context;
  if (run.startedAt === undefined && run.verdict === undefined) {
    const refused =
      (await lockedVerdict(context)) ?? (await emergencyVerdict(context)) ?? (await staleVerdict(context));
    if (refused !== undefined) {
      await recordVerdict(context, refused);
      return rollBack(context, refused);
    }
    crashPoint("run.before-start", run.id);
    await ports.journal.record(
      execution,
      "run.started",
      { release: run.plan.release },
      { started: true, state: "running", waitingFor: null },
    );
    crashPoint("run.after-start", run.id);
  }
  const verdict = run.verdict ?? (await forwardOrVerdict(context));
  if (verdict === undefined) return;
  await rollBack(context, verdict);
}

/** Goes forward; ends the run when all went well, else journals the verdict and returns it. */
async function forwardOrVerdict(context: RunExecution): Promise<RunVerdict | undefined> {
  let verdict = await goForward(context).catch((error: unknown) => protocolVerdict(context, error));
  verdict ??= await finish(context);
  if (verdict !== undefined) await recordVerdict(context, verdict);
  return verdict;
}

async function recordVerdict(context: RunExecution, verdict: RunVerdict): Promise<void> {
  const { run, ports, execution } = context;
  crashPoint("run.before-verdict", run.id);
  const patch = { verdict, state: "rolling-back", waitingFor: null } as const;
  await ports.journal.record(execution, "run.verdict", { ...verdict }, patch);
  crashPoint("run.after-verdict", run.id);
  run.verdict = verdict;
  anchorVerdict(context);
}

/**
 * A deploy whose plan went stale while it waited for the environment changes nothing: what the plan says about
 * undoing was said about another world. Going back to an earlier release is always allowed.
 */
async function staleVerdict({
  run,
  ports,
  environment,
  lost,
}: RunExecution): Promise<RunVerdict | undefined> {
  if (run.plan.purpose !== "deploy") return undefined;
  const { view, target, sources, scratch, secret, redactor, projectDirectory } = environment;
  const stepKind = (kind: string): StepKind | undefined => ports.stepKind(kind);
  const looking = {
    environment: view,
    target,
    sources,
    scratch,
    stepKind,
    secret,
    redactor,
    projectDirectory,
    clock: ports.clock,
    signal: lost,
  };
  const moved = await movedSince(run.plan, looking);
  if (moved.length === 0) return undefined;
  const reason = redactor.redact(`the plan is stale; moved since it was made: ${moved.join("; ")}`);
  return { decision: "fail", code: "PLAN_STALE", reason, by: "tminus", at: ports.clock.now().toISOString() };
}

/** Ends the run when the end state is verified; else returns why it is not a success. */
async function finish(context: RunExecution): Promise<RunVerdict | undefined> {
  const { run, ports, control } = context;
  for (;;) {
    const stop = stopVerdict(context);
    if (stop !== undefined) return stop;
    const { endRelease } = run.plan;
    const endState = await verifyEndState(context, endRelease === undefined ? [] : [endRelease]);
    const late = stopVerdict(context);
    if (late !== undefined) return late;
    if (endState.verdict === "verified") {
      await end(context, "succeeded", endState, {});
      return undefined;
    }
    const refused: RunVerdict = {
      decision: "roll-back",
      reason: `the end state is ${endState.verdict}: ${endState.reason}`,
      by: "tminus",
      at: ports.clock.now().toISOString(),
    };
    const isBad = endState.verdict === "contradicted" && run.plan.rollback.automatic;
    const earlier = isBad ? await earlierRollback(context, refused) : undefined;
    if (isBad && earlier === undefined) return refused;
    // Not knowing is no failure of the release, which passed everything so far: a person decides, as they do
    // about every failure where the runbook says that nothing is rolled back automatically.
    const question = `${refused.reason}. Look, then: tminus resume ${run.id} --as done | retry | failed`;
    const answer =
      earlier === undefined
        ? await askPerson(context, "end-state", question)
        : await askBeforeSecondRollback(context, "end-state", refused.reason, earlier);
    if (answer?.as === "failed")
      return { ...refused, reason: `${refused.reason}; ${saidText(answer)}`, by: answer.actor };
    if (answer?.as === "done" && control.stopRequest() === undefined) {
      await end(context, "succeeded", endState, { acceptedBy: answer.actor });
      return undefined;
    }
  }
}

/** A plan of an unknown protocol is not guessed at: it is undone as far as its steps are known. */
function protocolVerdict({ ports }: RunExecution, error: unknown): RunVerdict {
  const { code, message } = toErrorRecord(error);
  if (code !== "RUN_PROTOCOL_UNKNOWN") throw error;
  return { decision: "fail", reason: message, by: "tminus", at: ports.clock.now().toISOString() };
}

async function rollBack(context: RunExecution, verdict: RunVerdict): Promise<void> {
  const report = await undoSteps(context);
  const nothingUndone = report.undone.length === 0 && report.failed.length === 0;
  const cure = nothingUndone ? NOTHING_TO_CURE : await observeCure(context, verdict);
  const before = context.run.plan.live.filter(({ percent }) => percent > 0).map(({ release }) => release);
  // A run that changed nothing is not to blame for what changed since its plan was made.
  const endState = await verifyEndState(context, nothingUndone ? [] : before);
  const outcome = outcomeOf(verdict, report, cure, endState, nothingUndone);
  if (outcome === "rollback-failed") await pageFailedRollback(context, { verdict, report, cure, endState });
  const lock = lockAfter(context, verdict, outcome, cure);
  const data = {
    reason: verdict.reason,
    undone: report.undone,
    kept: report.kept.map(({ stepId, reason }) => ({ stepId, reason })),
    notUndone: report.failed.map(({ stepId, reason }) => ({ stepId, reason })),
    cure: cure.verdict,
    cureReason: cure.reason,
  };
  await end(context, outcome, endState, data, lock);
}

const NOTHING_TO_CURE: Cure = {
  verdict: "pass",
  reason: "nothing had been changed",
  evidence: {},
  proofs: {},
};

/** What could not be found out a person decides, as they do about the end state. */
async function observeCure(context: RunExecution, verdict: RunVerdict): Promise<Cure> {
  const stepId = verdict.stepId === undefined ? {} : { stepId: verdict.stepId };
  for (;;) {
    crashPoint("run.before-cure", context.run.id);
    const cure = await checkCure(context, verdict);
    await context.ports.journal.record(context.execution, "run.cure", { ...cure, ...stepId });
    crashPoint("run.after-cure", context.run.id);
    if (cure.verdict !== "unknown") return cure;
    const decided = await askAboutCure(context, cure);
    if (decided === undefined) continue;
    await context.ports.journal.record(context.execution, "run.cure", { ...decided, ...stepId });
    return decided;
  }
}

function outcomeOf(
  verdict: RunVerdict,
  report: UndoReport,
  cure: Cure,
  endState: EndState,
  nothingUndone: boolean,
): RunOutcome {
  if (report.failed.length > 0) return "rollback-failed";
  const isCured = cure.verdict === "pass" || cure.acceptedBy !== undefined;
  if (!nothingUndone && (!isCured || endState.verdict !== "verified")) return "rollback-failed";
  if (verdict.decision === "stop") return "stopped";
  return nothingUndone ? "failed" : "rolled-back";
}

async function end(
  context: RunExecution,
  outcome: RunOutcome,
  endState: EndState,
  data: JsonObject,
  lock?: NewLock,
): Promise<void> {
  const { run, ports, execution, pages } = context;
  await Promise.allSettled(pages.values());
  crashPoint("run.before-end", run.id);
  const locked = lock === undefined ? {} : { lock: { ...lock } };
  const told = { outcome, endState: { ...endState }, ...data, ...locked };
  const tasks = outcome === "succeeded" ? tasksLeft(context) : [];
  await ports.journal.endRun(execution, outcome, endState, told, lock, tasks);
  crashPoint("run.after-end", run.id);
  await anchorEnd(context);
}
