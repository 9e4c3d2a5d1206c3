import type { RunTask } from "../model/follow-up.ts";
import { stepsOf } from "../model/plan-steps.ts";
import type { RunExecution } from "./execution.ts";

/** What the steps of a run that has succeeded leave to people. */
export function tasksLeft({ run, control, ports }: RunExecution): RunTask[] {
  const end = { signals: control.all(), zeroAt: run.zeroAt ?? ports.clock.now() };
  return stepsOf(run.plan).flatMap(({ id: stepId, kind: name, kindVersion, with: settings }) => {
    const kind = ports.stepKind(name);
    if (kind?.leaves === undefined || kind.version !== kindVersion) return [];
    return kind.leaves({ with: settings, stepId, ...end }).map(({ id, ...task }) => ({
      ...task,
      origin: `${name} ${stepId}/${id}`,
    }));
  });
}
