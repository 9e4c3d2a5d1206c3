import type { ApprovalPolicy, Exclusion } from "../../approvals/decide-approvals.ts";
import { formatDuration } from "../../lib/duration.ts";
import type { StepForecast } from "../../model/step-kind.ts";
import type { ApproveFacts, Authorship, AuthorshipPart } from "./facts.ts";
import { policyOf } from "./policy.ts";
import type { ApproveSettings } from "./settings.ts";

const NAMED_PEOPLE = 8;

type Part = "authors" | "migrationAuthors" | "configEditors";
/** Which part of the authorship each exclusion is about, and what is said of those in it. */
const PARTS: readonly { exclusion: Exclusion; part: Part; text: (range: string) => string }[] = [
  { exclusion: "authors", part: "authors", text: (range) => `wrote commits ${range}` },
  { exclusion: "migration-authors", part: "migrationAuthors", text: (range) => `wrote migrations ${range}` },
  { exclusion: "config-editor", part: "configEditors", text: () => "edited the runbook last" },
];

/** Who may approve and who may not, one line each. */
export function approvalLines(
  settings: ApproveSettings,
  facts: ApproveFacts,
  isProtected: boolean,
): string[] {
  const policy = policyOf(settings, facts, isProtected);
  const { expiresMs, not } = policy;
  const { authorship } = facts;
  return [
    `waits for ${wanted(settings)}`,
    `may approve: ${whoMay(policy)}`,
    ...(not.includes("starter") ? ["may not approve: the person who starts the run"] : []),
    ...(authorship === null ? [] : authorLines(not, authorship)),
    ...(expiresMs === undefined ? [] : [`an approval expires after ${formatDuration(expiresMs)}`]),
  ];
}

/** "2 approvals of this plan from ann, bob". */
export function wanted({ count, from }: ApproveSettings): string {
  const people = from === undefined ? "" : ` from ${from.join(", ")}`;
  return `${count} ${count === 1 ? "approval" : "approvals"} of this plan${people}`;
}

export function approvalBlocks(
  settings: ApproveSettings,
  facts: ApproveFacts,
  isProtected: boolean,
): StepForecast["blocked"] {
  const { checked, not } = policyOf(settings, facts, isProtected);
  const blocked: StepForecast["blocked"] = [];
  if (checked && !facts.hasUsers) {
    const fix = "add one: tminus user add <name> --email <address> --role approver";
    blocked.push({ reason: "only users can approve, and there are none", fix });
  }
  if (facts.authorship === null || settings.authors === "unknown-allowed") return blocked;
  const reasons = unknownParts(not, facts.authorship).map(({ reason }) => reason);
  const fix =
    "tag releases in git or set commit and since, plan in a full clone with everything committed; or write authors: unknown-allowed";
  for (const reason of new Set(reasons))
    blocked.push({
      reason: `who wrote the release, and so may not approve it, is not known: ${reason}`,
      fix,
    });
  return blocked;
}

function whoMay({ roles, checked, agents, from }: ApprovalPolicy): string {
  const who = from === undefined ? "anybody" : from.join(", ");
  const role = roles.length === 0 ? "" : ` with the role ${roles.join(" or ")}`;
  const how = checked ? "who has signed in" : "under any name, which nobody checks";
  return `${who}${role} ${how}; approvals of agents ${agents === "count" ? "count" : "do not count"}`;
}

function authorLines(not: readonly Exclusion[], authorship: Authorship): string[] {
  return PARTS.filter(({ exclusion }) => not.includes(exclusion)).map(({ part, text }) => {
    const did = text(authorship.range);
    const found = authorship[part];
    if ("unknown" in found)
      return `who ${did} is not known: ${found.unknown}; nobody is kept from approving by it`;
    return `may not approve: who ${did} (${namesOf(found)})`;
  });
}

function unknownParts(not: readonly Exclusion[], authorship: Authorship): { reason: string }[] {
  return PARTS.filter(({ exclusion }) => not.includes(exclusion)).flatMap(({ part }) => {
    const found = authorship[part];
    return "unknown" in found ? [{ reason: found.unknown }] : [];
  });
}

function namesOf(part: Extract<AuthorshipPart, { people: unknown }>): string {
  if (part.people.length === 0) return "nobody";
  const named = part.people.slice(0, NAMED_PEOPLE).map(({ name, email }) => `${name} <${email}>`);
  const more = part.people.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
