import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { whenAborted } from "../lib/clock.ts";
import { hasCode } from "../errors.ts";
import type { JsonObject } from "../model/json.ts";
import type { PlannedStep } from "../model/plan.ts";
import type { StepContext, WaitingFor } from "../model/step-kind.ts";
import { inboxOf } from "./control.ts";
import { earlierStep, plannedTraffic, trafficMovedAt } from "./earlier-step.ts";
import { stepKey, type RunExecution } from "./execution.ts";
import { page } from "./page.ts";

const PROGRESS_EVERY_MS = 500;

export interface OpenStepContext {
  context: StepContext<JsonObject>;
  /** Evidence kept so far: name → SHA-256. */
  evidence: Record<string, string>;
  /** Waits for what is still being written. Throws what a write threw. */
  settle(): Promise<void>;
}

/** Builds what a step kind is given for one attempt at one step. */
export async function openStepContext(
  execution: RunExecution,
  step: PlannedStep,
  signal: AbortSignal,
): Promise<OpenStepContext> {
  const { run, environment, ports } = execution;
  const runDirectory = join(environment.runDirectory, run.id);
  // Synchronous: the way through the thread pool takes ten times as long as the call.
  try {
    mkdirSync(runDirectory, { recursive: true, mode: 0o700 });
  } catch (error) {
    // A step that writes there fails by itself and says so; the others, and undoing, can do without.
    ports.log(`${runDirectory}: ${String(error)}`);
  }
  const evidence: Record<string, string> = {};
  const progress = openProgress(execution, step);
  const context: StepContext<JsonObject> = {
    runId: run.id,
    stepId: step.id,
    title: step.title,
    key: stepKey(run.id, step.id),
    startedBy: run.createdBy,
    starter: run.starter,
    planHash: run.plan.hash,
    with: step.with,
    facts: step.facts,
    release: run.plan.release,
    previousRelease: run.plan.previousRelease,
    environment: environment.view,
    rollbackDatabase: run.plan.rollback.database,
    projectDirectory: environment.projectDirectory,
    runDirectory,
    fence: { environment: run.environment, token: execution.execution.token },
    signal,
    clock: ports.clock,
    target: environment.target,
    sources: environment.sources,
    channels: environment.channels,
    scratch: environment.scratch,
    secret: (reference) => environment.secret(reference),
    variables: () => environment.variables(),
    redact: (text) => environment.redactor.redact(text),
    redactStream: (write) => environment.redactor.stream(write),
    progress: (text) => progress.tell(environment.redactor.redact(text)),
    async evidence(name, content) {
      evidence[name] = await ports.journal.saveEvidence(environment.redactor.redact(content));
      return evidence[name];
    },
    waiting: (what, wait) => whileWaiting(execution, step.id, what, wait),
    inbox: () => inboxOf(execution.control, step.id, signal),
    page: (key, message) => orAborted(page(execution, step.id, key, message), signal),
    earlier: (stepId) => earlierStep(execution, stepId),
    newerPlans: () => ports.journal.newerPlans(run.id),
    zeroAt: run.zeroAt,
    trafficMovedAt: trafficMovedAt(execution),
    trafficPercent: plannedTraffic(run.plan, step.id),
    loadState: () => ports.journal.loadState(run.id, step.id),
    saveState: (state) => ports.journal.saveState(execution.execution, step.id, state),
  };
  return { context, evidence, settle: progress.settle };
}

/** Shows the run as waiting, with the words, while `wait` runs. */
export async function whileWaiting<T>(
  { execution, ports, run, environment }: RunExecution,
  subject: string | undefined,
  words: WaitingFor,
  wait: () => Promise<T>,
): Promise<T> {
  const what = { ...words, text: environment.redactor.redact(words.text) };
  const state = (await ports.journal.run(run.id)).state;
  const stepId = subject === undefined ? {} : { stepId: subject };
  const until = what.until === undefined ? {} : { until: what.until };
  const answers = what.answers === undefined ? {} : { answers: what.answers };
  await ports.journal.record(
    execution,
    "step.waiting",
    { ...stepId, for: what.for, text: what.text, ...until, ...answers },
    { state: "waiting", waitingFor: { ...what, ...stepId } },
  );
  const result = await wait();
  await ports.journal.record(execution, "step.continued", stepId, {
    state: state !== "waiting" ? state : run.verdict === undefined ? "running" : "rolling-back",
    waitingFor: null,
  });
  return result;
}

/** The answer, unless the signal aborts before it is there. What is under way goes on. */
function orAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = whenAborted(signal).then((): never => {
    throw signal.reason;
  });
  return Promise.race([answer, aborted]);
}

/** Writes at most one line per half second, always the newest, one write at a time. */
function openProgress(
  { execution, ports }: RunExecution,
  step: PlannedStep,
): { tell(text: string): void; settle(): Promise<void> } {
  let newest: string | undefined;
  let writing: Promise<void> | undefined;
  let lastAt = -Infinity;
  let failure: unknown;

  const write = async (): Promise<void> => {
    while (newest !== undefined) {
      const text = newest;
      newest = undefined;
      lastAt = ports.clock.monotonicMs();
      await ports.journal.record(execution, "step.progress", { stepId: step.id, text });
    }
  };
  const start = (): void => {
    writing ??= write()
      .catch((error: unknown) => {
        failure = error;
      })
      .finally(() => {
        writing = undefined;
      });
  };
  return {
    tell(text) {
      newest = text;
      if (ports.clock.monotonicMs() - lastAt >= PROGRESS_EVERY_MS) start();
    },
    async settle() {
      if (failure === undefined && newest !== undefined) start();
      await writing;
      // A lost progress line is no reason to fail a step; a lost environment is.
      if (hasCode(failure, "LEASE_LOST")) throw failure;
    },
  };
}
