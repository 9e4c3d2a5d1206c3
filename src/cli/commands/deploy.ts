import { resolve } from "node:path";
import { describeCode, TminusError } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import { formatDuration } from "../../lib/duration.ts";
import type { Plan } from "../../model/plan.ts";
import type { PlanRequest, Tminus } from "../../model/tminus.ts";
import { shortHash } from "../../report/release-change.ts";
import { environmentOf, placeOf, type CommandContext } from "../command-context.ts";
import { activeRuns } from "../pick-run.ts";
import { readPlanFile } from "../plan-file.ts";
import { startRun, type StartOptions } from "../start-run.ts";

export interface DeployOptions extends StartOptions {
  release?: string;
  plan?: string;
  /** Whether the plan is to rest on the emergency that is declared. */
  emergency?: boolean;
  /** When T-0 is to be. */
  at?: string;
  /** False with --no-wait. */
  wait: boolean;
}

/** How often a deploy whose plan went stale behind other runs is planned again. */
const MAX_PLANS = 5;

/** Plans, or takes the plan from a file and checks that nothing moved since; then starts and watches a run. */
export async function deploy(context: CommandContext, options: DeployOptions): Promise<ExitCode> {
  if (options.release === undefined && options.plan === undefined) {
    throw new TminusError("USAGE_INVALID", "it is not said what to deploy", {
      hint: "Add --release <name>, or --plan <file> with a plan that tminus plan -o wrote.",
    });
  }
  if (options.at !== undefined && (options.plan !== undefined || options.waitForWindow === true)) {
    const other = options.plan === undefined ? "--wait-for-window" : "--plan";
    throw new TminusError("USAGE_INVALID", `--at and ${other} do not go together`, {
      hint:
        options.plan === undefined
          ? "Name a T-0 at which a window is open; tminus windows lists the next ones."
          : "Make the plan for that time: tminus plan --at <time> -o <file>.",
    });
  }
  const tminus = await context.open();
  if (options.plan !== undefined) {
    const plan = await storedPlan(context, tminus, options);
    if (!options.wait) await refuseWhenHeld(context, tminus, plan.environment.name);
    return startRun(context, tminus, plan, options);
  }
  let { at } = options;
  for (let tries = 1; ; tries++) {
    const plan = await freshPlan(context, tminus, {
      release: options.release!,
      inEmergency: options.emergency === true,
      ...(at === undefined ? {} : { at }),
    });
    // "in 4h" is meant from the first plan on, however often it is made again.
    if (plan.scheduled?.zone === "UTC") at = plan.scheduled.zeroAt;
    if (!options.wait) await refuseWhenHeld(context, tminus, plan.environment.name);
    const mayPlanAgain = tries < MAX_PLANS;
    const exitCode = await startRun(context, tminus, plan, options, { mayPlanAgain });
    if (exitCode !== describeCode("PLAN_STALE").exit || !mayPlanAgain) return exitCode;
    context.output.note(
      "the plan went stale while its run was queued, and nothing was changed; planning again",
    );
  }
}

async function freshPlan(
  context: CommandContext,
  tminus: Tminus,
  wanted: Pick<PlanRequest, "release" | "inEmergency" | "at">,
): Promise<Plan> {
  const environment = environmentOf(context, tminus);
  context.output.note(placeOf(tminus, environment));
  const progress = (text: string): void => context.output.note(text);
  return tminus.plan({ ...wanted, environment, purpose: "deploy", signal: context.cancelled, progress });
}

async function storedPlan(context: CommandContext, tminus: Tminus, options: DeployOptions): Promise<Plan> {
  const { window: _whenMade, ...plan } = await readPlanFile(resolve(context.host.directory, options.plan!));
  const { name } = plan.environment;
  if (context.globals.env !== undefined && context.globals.env !== name) {
    throw new TminusError("USAGE_INVALID", `the plan is for ${name}, but --env says ${context.globals.env}`, {
      hint: `Leave --env out, or make a plan for ${context.globals.env}.`,
    });
  }
  if (options.release !== undefined && options.release !== plan.release) {
    throw new TminusError(
      "USAGE_INVALID",
      `the plan is for release ${plan.release}, but --release says ${options.release}`,
      {
        hint: "Leave --release out, or make a plan for that release.",
      },
    );
  }
  if (options.emergency === true && plan.emergency === undefined) {
    throw new TminusError("USAGE_INVALID", "the plan was not made in an emergency", {
      hint: `Make it anew: tminus plan --env ${name} --release ${plan.release} --emergency`,
    });
  }
  context.output.note(placeOf(tminus, name));
  await tminus.checkPlan(plan, context.cancelled);
  return plan;
}

async function refuseWhenHeld({ host }: CommandContext, tminus: Tminus, environment: string): Promise<void> {
  const [holder] = await activeRuns(tminus, environment);
  if (holder === undefined) return;
  const age = formatDuration(Math.max(0, host.clock.now().getTime() - holder.createdAt.getTime()));
  const { release, hash } = holder.plan;
  const message = `${environment} is held by run ${holder.id} (release ${release}, plan ${shortHash(hash)}, started by ${holder.createdBy}, ${age} old)`;
  throw new TminusError("LEASE_HELD", message, {
    hint: `Look at it: tminus watch ${holder.id}. Without --no-wait this run would queue behind it.`,
    details: { holder: holder.id, release, plan: hash, by: holder.createdBy, state: holder.state },
  });
}
