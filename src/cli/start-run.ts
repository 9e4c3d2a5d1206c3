import { TminusError } from "../errors.ts";
import type { ExitCode } from "../error-codes.ts";
import type { Plan } from "../model/plan.ts";
import type { Tminus } from "../model/tminus.ts";
import { blockingReasons, isBlocked, planText } from "../report/plan-text.ts";
import { actorOf, type CommandContext } from "./command-context.ts";
import { confirmChange, type Confirmation } from "./confirm.ts";
import { detachedText, followRun } from "./follow-run.ts";
import { runJson } from "./output/json.ts";

export interface StartOptions extends Confirmation {
  by?: string;
  detach?: boolean;
}

/** What startRun does beside: `mayPlanAgain` leaves a run that went stale without a result, for another try. */
export interface StartChoices {
  mayPlanAgain: boolean;
}

/**
 * Shows the plan, asks where that is needed, starts the run and watches it. Errors: PLAN_BLOCKED,
 * USAGE_INVALID when it is not confirmed.
 */
export async function startRun(
  context: CommandContext,
  tminus: Tminus,
  plan: Plan,
  options: StartOptions,
  { mayPlanAgain }: StartChoices = { mayPlanAgain: false },
): Promise<ExitCode> {
  const { output } = context;
  const actor = actorOf(context, options.by);
  for (const line of planText(plan, output)) output.line(line);
  if (isBlocked(plan)) throw blockedError(plan);
  const what = `${plan.purpose === "rollback" ? "roll back to" : "deploy"} ${plan.release}`;
  await confirmChange(context, plan.environment, what, options);
  context.cancelled.throwIfAborted();
  const run = await tminus.start(plan, actor);
  output.line(`run ${run.id} started by ${actor} (a name that nobody has checked)`);
  if (options.detach !== true) return followRun(context, tminus, run, undefined, !mayPlanAgain);
  output.note(detachedText(run.id));
  output.result({ run: runJson(run), detached: true, exitCode: 0 }, output.isQuiet ? [run.id] : []);
  return 0;
}

function blockedError(plan: Plan): TminusError {
  const reasons = blockingReasons(plan).map(({ where, reason }) => `${where}: ${reason}`);
  return new TminusError(
    "PLAN_BLOCKED",
    `the plan is blocked for ${reasons.length} reason${reasons.length === 1 ? "" : "s"}`,
    {
      details: { plan: plan.hash, blocked: reasons },
    },
  );
}
