import { systemClock } from "../lib/clock.ts";
import type { Redactor } from "../lib/redact.ts";
import { runGates } from "../gates/run-gates.ts";
import type { Plan } from "../model/plan.ts";
import type { PlanRequest } from "../model/tminus.ts";
import { buildPlan } from "../plan/build.ts";
import type { Facts } from "../plan/facts.ts";
import { gather, previousRelease, readLive } from "../plan/gather.ts";
import { rollbackRunbook } from "../plan/rollback-runbook.ts";
import { resolveRunbook } from "../runbook/resolve.ts";
import { stepKinds } from "../steps/registry.ts";
import { openEnvironment } from "./environment.ts";
import { contextOf, runbookInputs, type Project } from "./project.ts";
import type { Environment } from "./secrets.ts";

/** Looks at the world, read-only, and makes the plan. Errors: ENVIRONMENT_UNKNOWN, USAGE_INVALID, SECRET_MISSING. */
export async function makePlan(
  project: Project,
  processEnvironment: Environment,
  request: PlanRequest,
): Promise<Plan> {
  const { environment, release, purpose, signal, progress } = request;
  const context = contextOf(project, environment);
  const opened = openEnvironment({ context, processEnvironment, clock: systemClock, writeLine: progress });
  try {
    progress("asking the target what is live");
    const live = await readLive(opened.target);
    const previous = previousRelease(live, release);
    const resolved = resolveRunbook(project.runbook, {
      environment,
      release,
      ...(previous === undefined ? {} : { previousRelease: previous }),
    });
    const runbook = purpose === "rollback" ? rollbackRunbook(resolved, (kind) => stepKinds[kind]) : resolved;
    const source = { purpose, runbook, live, inputs: runbookInputs(runbook) };
    const shared = {
      environment: opened.view,
      target: opened.target,
      scratch: opened.scratch,
      secret: opened.secret,
      projectDirectory: project.directory,
      signal,
      progress,
    };
    const facts = await gather(source, {
      ...shared,
      stepKind: (kind) => stepKinds[kind],
      runGates: (gates) =>
        runGates(gates, {
          ...shared,
          release,
          clock: systemClock,
          redact: (text) => opened.redactor.redact(text),
          processEnvironment: definedOnly(processEnvironment),
        }),
    });
    return buildPlan(
      source,
      redactFacts(facts, opened.redactor),
      (kind) => stepKinds[kind],
      systemClock.now(),
    );
  } finally {
    await opened.close();
  }
}

/**
 * Redacted before hashing: what gates and kinds found out may quote the output of programs. The settings are
 * not: they are what the runbook says and the run will carry out, and a word in them ("production") may well
 * be the value of some variable too.
 */
function redactFacts(facts: Facts, redactor: Redactor): Facts {
  const steps = Object.entries(redactor.redactJson(facts.steps)).map(([id, redacted]) => {
    const found = facts.steps[id];
    return [id, found?.state === "gathered" ? { ...redacted, with: found.with } : redacted] as const;
  });
  return { ...facts, gates: redactor.redactJson(facts.gates), steps: Object.fromEntries(steps) };
}

/** Without the names that have no value. */
export function definedOnly(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
