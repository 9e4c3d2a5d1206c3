import {
  decideApprovals,
  exclusions,
  isStarterHidden,
  type Approval,
  type ApprovalPolicy,
  type Exclusion,
  type Situation,
} from "../../approvals/decide-approvals.ts";
import type { GitPerson } from "../../approvals/same-person.ts";
import { parseDuration } from "../../lib/duration.ts";
import type { Actor } from "../../model/actor.ts";
import type { Plan, PlannedStep } from "../../model/plan.ts";
import type { NewerPlan, Run } from "../../model/run.ts";
import type { Json } from "../../model/json.ts";
import { approveFactsSchema, type ApproveFacts, type AuthorshipPart } from "./facts.ts";
import { approveSchema, type ApproveSettings } from "./settings.ts";

/** Who may not approve, where the runbook does not say. */
export function exclusionsOf({ not }: ApproveSettings, isProtected: boolean): readonly Exclusion[] {
  return not ?? (isProtected ? exclusions : []);
}

export function policyOf(
  settings: ApproveSettings,
  { hasUsers }: ApproveFacts,
  isProtected: boolean,
): ApprovalPolicy {
  const { count, from, roles, agents, expires } = settings;
  const checked = settings.checked ?? (hasUsers || roles !== undefined);
  return {
    count,
    ...(from === undefined ? {} : { from }),
    roles: roles ?? (checked ? ["approver"] : []),
    not: exclusionsOf(settings, isProtected),
    ...(expires === undefined ? {} : { expiresMs: parseDuration(expires)! }),
    agents,
    checked,
  };
}

/** For a plan whose unknown parts the runbook allows. */
export function situationOf(
  facts: Json,
  {
    planHash,
    starter,
    newerPlans,
    now,
  }: { planHash: string; starter: Actor; newerPlans: readonly NewerPlan[]; now: Date },
): Situation {
  const { authorship } = approveFactsSchema.parse(facts);
  return {
    planHash,
    starter,
    authors: peopleOf(authorship?.authors),
    migrationAuthors: peopleOf(authorship?.migrationAuthors),
    configEditors: peopleOf(authorship?.configEditors),
    newerPlans,
    now,
  };
}

/** Why an approval that is sent now could not count; undefined when it may. Errors: those of zod for a step of another version. */
export function whyRefused(
  step: PlannedStep,
  run: Pick<Run, "plan" | "starter">,
  approval: Approval,
  newerPlans: readonly NewerPlan[],
): string | undefined {
  const policy = policyOfStep(step, run.plan);
  const { hash: planHash } = run.plan;
  const situation = situationOf(step.facts, { planHash, starter: run.starter, newerPlans, now: approval.at });
  return decideApprovals(policy, situation, [approval]).notCounted[0]?.reason;
}

/** Why a run that this person starts could never be approved; undefined when it could. */
export function whyNotStarted(step: PlannedStep, plan: Plan, starter: Actor): string | undefined {
  const { checked, not } = policyOfStep(step, plan);
  if (!isStarterHidden(checked, not, starter)) return undefined;
  return `who starts it may not approve it at step ${step.id}, and nobody has checked who ${starter.name} is`;
}

function policyOfStep({ with: settings, facts }: PlannedStep, { environment }: Plan): ApprovalPolicy {
  return policyOf(approveSchema.parse(settings), approveFactsSchema.parse(facts), environment.protected);
}

function peopleOf(part: AuthorshipPart | undefined): readonly GitPerson[] {
  return part !== undefined && "people" in part ? part.people : [];
}
