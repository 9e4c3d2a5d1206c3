import type { Actor } from "../model/actor.ts";
import { sameName } from "../model/person-name.ts";
import type { NewerPlan } from "../model/run.ts";
import type { Role } from "../model/role.ts";
import { groupPersons, marksOfActor, marksOfAuthor, type GitPerson } from "./same-person.ts";

/** Who may be kept from approving what they had a part in. */
export const exclusions = ["starter", "authors", "migration-authors", "config-editor"] as const;
export type Exclusion = (typeof exclusions)[number];

export interface ApprovalPolicy {
  /** How many different people. */
  count: number;
  /** Whose approval counts; everybody's when left out. */
  from?: readonly string[];
  /** One of these is needed; none is when it is empty. */
  roles: readonly Role[];
  not: readonly Exclusion[];
  /** How long an approval holds; for ever when left out. */
  expiresMs?: number;
  agents: "count" | "ignore";
  /** Whether a name that nobody has checked counts for nothing. */
  checked: boolean;
}

/** What was made, by whom, and what became of the plan since. */
export interface Situation {
  planHash: string;
  starter: Actor;
  authors: readonly GitPerson[];
  migrationAuthors: readonly GitPerson[];
  configEditors: readonly GitPerson[];
  /** Other plans of this release that were started after this one. */
  newerPlans: readonly NewerPlan[];
  now: Date;
}

export interface Approval {
  actor: Actor;
  at: Date;
  planHash: string;
}

export interface Decision<A extends Approval> {
  isEnough: boolean;
  /** One of each person, the earliest that is good. */
  counted: A[];
  notCounted: { approval: A; reason: string }[];
}

/**
 * Which approvals count, and why the others do not. Pure. A person counts once, whatever names and tokens they use, and not at
 * all when they, under any name, had one of the excluded parts. Requirement B10.
 */
export function decideApprovals<A extends Approval>(
  policy: ApprovalPolicy,
  situation: Situation,
  approvals: readonly A[],
): Decision<A> {
  const parts = excludedParts(policy, situation);
  const persons = groupPersons([
    ...parts.map(({ marks }) => marks),
    ...approvals.map(({ actor }) => marksOfActor(actor)),
  ]);
  const hindered = new Map<number, string>();
  for (const [index, { reason }] of parts.entries()) {
    const person = persons[index]!;
    if (!hindered.has(person)) hindered.set(person, reason);
  }
  const decision: Decision<A> = { isEnough: false, counted: [], notCounted: [] };
  const seen = new Set<number>();
  for (const [index, approval] of approvals.entries()) {
    const person = persons[parts.length + index]!;
    const reason =
      whyStale(policy, situation, approval) ??
      whyNobody(policy, situation) ??
      whyNotThey(policy, approval.actor) ??
      hindered.get(person) ??
      (seen.has(person) ? "they have approved already" : undefined);
    if (reason === undefined) {
      seen.add(person);
      decision.counted.push(approval);
    } else decision.notCounted.push({ approval, reason });
  }
  decision.isEnough = decision.counted.length >= policy.count;
  return decision;
}

/** Whether nothing can count because it is not known who started the run; known before it is started. */
export function isStarterHidden(checked: boolean, not: readonly Exclusion[], starter: Actor): boolean {
  return checked && not.includes("starter") && starter.checked.by === "none";
}

function whyStale(
  { expiresMs }: ApprovalPolicy,
  { planHash, newerPlans, now }: Situation,
  approval: Approval,
): string | undefined {
  if (approval.planHash !== planHash) return "it was given for another plan";
  // Given before the newest edit, or in spite of it. When that one has ended, this plan can be approved again.
  const newer = newerPlans.find(({ startedAt, hasEnded }) => startedAt >= approval.at || !hasEnded);
  if (newer !== undefined) return `the plan is stale: run ${newer.runId} has a newer one of this release`;
  if (expiresMs !== undefined && now.getTime() - approval.at.getTime() > expiresMs) return "it has expired";
  return undefined;
}

/** Whoever started the run under any name at all could approve it under their own. */
function whyNobody({ checked, not }: ApprovalPolicy, { starter }: Situation): string | undefined {
  if (!isStarterHidden(checked, not, starter)) return undefined;
  return "nobody has checked who started the run, so it may have been they";
}

function whyNotThey({ checked, agents, roles, from }: ApprovalPolicy, actor: Actor): string | undefined {
  if (checked && actor.checked.by === "none") return "nobody has checked who they are";
  if (actor.kind === "agent" && agents !== "count") return "they are an agent";
  if (roles.length > 0 && !roles.some((role) => actor.roles.includes(role)))
    return `they act without the role ${roles.join(" or ")}`;
  if (from !== undefined && !from.some((name) => sameName(name, actor.name)))
    return "they are not among those named";
  return undefined;
}

function excludedParts(
  { not }: ApprovalPolicy,
  { starter, authors, migrationAuthors, configEditors }: Situation,
): { marks: string[]; reason: string }[] {
  const wrote = (people: readonly GitPerson[], what: string) =>
    people.map((author) => ({
      marks: marksOfAuthor(author),
      reason: `they ${what}, as ${author.name} <${author.email}>`,
    }));
  return not.flatMap((part) => {
    switch (part) {
      case "starter":
        return [{ marks: marksOfActor(starter), reason: "they started the run" }];
      case "authors":
        return wrote(authors, "wrote commits of this release");
      case "migration-authors":
        return wrote(migrationAuthors, "wrote migrations of this release");
      case "config-editor":
        return wrote(configEditors, "edited the runbook last");
    }
  });
}
