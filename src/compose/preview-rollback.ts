import { systemClock } from "../lib/clock.ts";
import { toErrorRecord } from "../errors.ts";
import { hasActed, isUndone, stepKey } from "../engine/execution.ts";
import type { PlannedStep } from "../model/plan.ts";
import { stepsOf } from "../model/plan-steps.ts";
import type { OpenEnvironment } from "../engine/ports.ts";
import type { Attempt, Run } from "../model/run.ts";
import type { RollbackLine } from "../model/tminus.ts";
import { stepKinds } from "../steps/registry.ts";
import { openEnvironment } from "./environment.ts";
import type { EnvironmentContext } from "./run-context.ts";
import type { Environment } from "./secrets.ts";

export interface PreviewOptions {
  run: Run;
  attempts: readonly Attempt[];
  context: EnvironmentContext;
  processEnvironment: Environment;
  signal: AbortSignal;
}

/**
 * What undoing the run would do and lose now, last step first, as the engine would. Reads only. A step that
 * cannot say, or not before `signal` aborts, is told as unknown and does not hide the others. Errors: SECRET_MISSING.
 */
export async function previewRollback(options: PreviewOptions): Promise<RollbackLine[]> {
  const { run, context, processEnvironment } = options;
  const opened = openEnvironment({
    context,
    processEnvironment,
    clock: systemClock,
    writeLine: () => undefined,
  });
  try {
    const lines: RollbackLine[] = [];
    for (const step of stepsOf(run.plan).reverse()) {
      if (isUndone(options, step) || !hasActed(options, step)) continue;
      const line = await lineOf(step, opened, options);
      lines.push({ ...line, text: opened.redactor.redact(line.text) });
    }
    return lines;
  } finally {
    await opened.close();
  }
}

async function lineOf(
  step: PlannedStep,
  opened: OpenEnvironment,
  { run, signal }: PreviewOptions,
): Promise<RollbackLine> {
  const about = { stepId: step.id, title: step.title };
  if (step.undo.how !== "undo") return { ...about, what: "keep", text: step.undo.text, rowsLost: 0 };
  const kind = stepKinds[step.kind];
  if (kind?.version !== step.kindVersion) {
    const text = `this tminus does not know ${step.kind} as the run planned it`;
    return { ...about, what: "unknown", text, rowsLost: null };
  }
  if (kind.previewUndo === undefined) {
    const { loss, text } = step.undo;
    return loss === undefined
      ? { ...about, what: "undo", text, rowsLost: 0 }
      : { ...about, what: "unknown", text: `${text}; loses ${loss}, not counted`, rowsLost: null };
  }
  try {
    const { text, rowsLost, isRefused } = await kind.previewUndo({
      with: step.with,
      facts: step.facts,
      key: stepKey(run.id, step.id),
      release: run.plan.release,
      rollbackDatabase: run.plan.rollback.database,
      environment: opened.view,
      target: opened.target,
      sources: opened.sources,
      clock: systemClock,
      scratch: opened.scratch,
      secret: opened.secret,
      projectDirectory: opened.projectDirectory,
      signal,
    });
    const what = isRefused ? "refuse" : rowsLost === undefined ? "unknown" : "undo";
    return { ...about, what, text, rowsLost: rowsLost ?? null };
  } catch (error) {
    // Whatever it is, also that the time is over: it says nothing about the other steps.
    const text = `what undoing it loses could not be found out: ${toErrorRecord(error).message}`;
    return { ...about, what: "unknown", text, rowsLost: null };
  }
}
