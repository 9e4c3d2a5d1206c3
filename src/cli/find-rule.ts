import { closest } from "../lib/did-you-mean.ts";
import { TminusError } from "../errors.ts";
import { stepsOf } from "../model/plan-steps.ts";
import type { Run } from "../model/run.ts";
import type { WatchedStep } from "../model/tminus.ts";
import type { RuleReport } from "../model/watch-report.ts";
import { clean } from "../report/text.ts";

/** The rule of that name. Errors: USAGE_INVALID when there is none, or more than one. */
export function findRule(
  run: Run,
  watched: readonly WatchedStep[],
  name: string,
): { step: WatchedStep; rule: RuleReport } {
  const all = watched.flatMap((step) => (step.report?.rules ?? []).map((rule) => ({ step, rule })));
  const [found, ...others] = all.filter(({ rule }) => rule.name === name);
  if (found !== undefined && others.length === 0) return found;
  if (found !== undefined) {
    const steps = [found, ...others].map(({ step }) => step.stepId);
    throw new TminusError("USAGE_INVALID", `steps ${steps.join(" and ")} have a rule ${clean(name)}`, {
      hint: `Add --step with one of: ${steps.join(", ")}.`,
    });
  }
  const names = [...new Set(all.map(({ rule }) => rule.name))];
  throw new TminusError("USAGE_INVALID", `run ${run.id} watches no rule "${clean(name)}"`, {
    hint: names.length > 0 ? hintOf(name, names) : whyNone(run, watched),
    details: { rules: names },
  });
}

function hintOf(name: string, names: readonly string[]): string {
  const near = closest(name, names);
  return `${near === undefined ? "" : `did you mean "${near}"? `}Rules: ${names.join(", ")}.`;
}

function whyNone(run: Run, watched: readonly WatchedStep[]): string {
  const [unknown] = watched.flatMap(({ stepId, unknown: reason }) =>
    reason === undefined ? [] : [`${stepId}: ${reason}.`],
  );
  if (unknown !== undefined) return unknown;
  const steps = stepsOf(run.plan).filter(({ kind }) => kind === "watch");
  return steps.length === 0
    ? "Rules are watched by steps of kind watch, and the run has none."
    : `Its rules are watched by ${steps.map(({ id }) => id).join(", ")}, which has not begun.`;
}
