import { definedOnly } from "../lib/defined-only.ts";
import { relative } from "node:path";
import { systemClock } from "../lib/clock.ts";
import type { Redactor } from "../lib/redact.ts";
import { runGates } from "../gates/run-gates.ts";
import { waive } from "../gates/waive.ts";
import type { Emergency } from "../model/emergency.ts";
import type { Override } from "../model/override.ts";
import type { Plan, Schedule } from "../model/plan.ts";
import type { PlanRequest } from "../model/tminus.ts";
import { emergencyRunbook, leftOutResults } from "../plan/emergency-runbook.ts";
import { buildPlan } from "../plan/build.ts";
import type { Facts } from "../plan/facts.ts";
import { gather, previousRelease, readLive } from "../plan/gather.ts";
import { rollbackRunbook } from "../plan/rollback-runbook.ts";
import { resolveRunbook } from "../runbook/resolve.ts";
import { stepKinds } from "../steps/registry.ts";
import { keptInEmergency } from "./emergencies.ts";
import { openEnvironment } from "./environment.ts";
import { openScm } from "./open-scm.ts";
import { contextOf, runbookInputs, type Project } from "./project.ts";
import type { RunHistory } from "./run-history.ts";
import type { Environment } from "./secrets.ts";

/** What is known of the project beside its runbook. */
export interface PlanSurroundings {
  /** What blocks the plan before anything is looked at. */
  against: Plan["blocked"];
  /** Those that hold. */
  overrides: readonly Override[];
  scheduled?: Schedule | undefined;
  /** On which the plan is to rest. */
  emergency?: Emergency;
  /** For gates. */
  history: RunHistory;
  /** Whether somebody can sign in. */
  hasUsers: () => Promise<boolean>;
}

/**
 * Looks at the world, read-only, and makes the plan. Errors: ENVIRONMENT_UNKNOWN, USAGE_INVALID, SECRET_MISSING.
 */
export async function makePlan(
  project: Project,
  processEnvironment: Environment,
  request: PlanRequest,
  { against, overrides, scheduled, emergency, history, hasUsers }: PlanSurroundings,
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
    const inEmergency =
      emergency === undefined
        ? undefined
        : emergencyRunbook(resolved, keptInEmergency(resolved.environment), emergency);
    const runbook =
      purpose === "rollback"
        ? rollbackRunbook(resolved, (kind) => stepKinds[kind])
        : (inEmergency?.runbook ?? resolved);
    const source = {
      purpose,
      runbook,
      live,
      inputs: runbookInputs(runbook),
      against,
      ...(scheduled === undefined ? {} : { scheduled }),
      ...(inEmergency === undefined ? {} : { emergency: inEmergency.planned }),
    };
    const shared = {
      environment: opened.view,
      target: opened.target,
      sources: opened.sources,
      scratch: opened.scratch,
      secret: opened.secret,
      projectDirectory: project.directory,
      clock: systemClock,
      signal,
      progress,
    };
    const planFrom = (facts: Facts): Plan =>
      buildPlan(source, redactFacts(facts, opened.redactor), (kind) => stepKinds[kind], systemClock.now());
    const facts = await gather(source, {
      ...shared,
      runbookFile: relative(project.directory, project.file),
      hasUsers,
      stepKind: (kind) => stepKinds[kind],
      runGates: async (gates, steps) => {
        const results = await runGates(gates, {
          ...shared,
          release,
          stateDirectory: project.stateDirectory,
          clock: systemClock,
          redact: (text) => opened.redactor.redact(text),
          // What a gate runs acts for nobody.
          processEnvironment: definedOnly({ ...processEnvironment, TMINUS_TOKEN: undefined }),
          scm: () => openScm(runbook.scm, opened),
          ...history,
          inputs: planFrom({ capabilities: opened.target.capabilities, gates: [], steps }).inputs,
        });
        const leftOut = inEmergency === undefined ? [] : leftOutResults(inEmergency);
        return [...waive(results, overrides), ...leftOut];
      },
    });
    return planFrom(facts);
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
