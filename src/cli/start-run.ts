import { TminusError } from "../errors.ts";
import type { ExitCode } from "../error-codes.ts";
import { actorText } from "../model/actor-text.ts";
import type { Plan } from "../model/plan.ts";
import type { Tminus } from "../model/tminus.ts";
import { blockingReasons, isBlocked, planText } from "../report/plan-text.ts";
import { type CommandContext } from "./command-context.ts";
import { identify, type IdentityOptions } from "./identify.ts";
import { confirmChange, type Confirmation } from "./confirm.ts";
import { detachedText, followRun } from "./follow-run.ts";
import { aheadText } from "./output/ahead-text.ts";
import { runJson } from "./output/json.ts";

export interface StartOptions extends Confirmation, IdentityOptions {
  detach?: boolean;
  /** Whether the run may wait for a window, with its place in the queue. */
  waitForWindow?: boolean;
}

/** What startRun does beside: `mayPlanAgain` leaves a run that went stale without a result, for another try. */
export interface StartChoices {
  mayPlanAgain: boolean;
}

/**
 * Shows the plan, asks where that is needed, starts the run and watches it. Errors: PLAN_BLOCKED,
 * WINDOW_CLOSED, USAGE_INVALID when it is not confirmed.
 */
export async function startRun(
  context: CommandContext,
  tminus: Tminus,
  plan: Plan,
  options: StartOptions,
  { mayPlanAgain }: StartChoices = { mayPlanAgain: false },
): Promise<ExitCode> {
  const { output } = context;
  const actor = await identify(context, tminus, options);
  for (const line of planText(plan, output)) output.line(line);
  if (isBlocked(plan)) throw blockedError(plan);
  for (const line of aheadText(plan, await tminus.activeRuns(plan.environment.name))) output.line(line);
  if (options.waitForWindow !== true) await tminus.checkWindow(plan);
  const what = `${plan.purpose === "rollback" ? "roll back to" : "deploy"} ${plan.release}`;
  await confirmChange(context, plan.environment, what, options);
  context.cancelled.throwIfAborted();
  const run = await tminus.start(plan, actor, { waitForWindow: options.waitForWindow === true });
  output.line(`run ${run.id} started by ${actorText(actor)}`);
  if (options.detach !== true) return followRun(context, tminus, run, undefined, !mayPlanAgain);
  output.note(detachedText(run.id));
  output.result({ run: runJson(run), detached: true, exitCode: 0 }, output.isQuiet ? [run.id] : []);
  return 0;
}

function blockedError(plan: Plan): TminusError {
  const against = blockingReasons(plan);
  const reasons = against.map(({ where, reason }) => `${where}: ${reason}`);
  const fix = against.length === 1 ? against[0]?.fix : undefined;
  return new TminusError(
    "PLAN_BLOCKED",
    `the plan is blocked for ${reasons.length} reason${reasons.length === 1 ? "" : "s"}`,
    {
      ...(fix === undefined ? {} : { hint: fix }),
      details: { plan: plan.hash, blocked: reasons },
    },
  );
}
