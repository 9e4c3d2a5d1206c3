import { decideApprovals, type Approval } from "../approvals/decide-approvals.ts";
import { hashJson } from "../lib/hash.ts";
import { formatDuration, parseDuration } from "../lib/duration.ts";
import { actorText } from "../model/actor-text.ts";
import type { ApprovalView } from "../model/signal.ts";
import type { StepContext } from "../model/step-kind.ts";
import { approvalBlocks, approvalLines, wanted } from "./approve/forecast.ts";
import type { ApproveFacts } from "./approve/facts.ts";
import { exclusionsOf, policyOf, situationOf } from "./approve/policy.ts";
import { approveSchema, type ApproveSettings } from "./approve/settings.ts";
import { defineStep } from "./define.ts";
import { durableDeadline } from "./durable-deadline.ts";
import { readAnswers } from "./read-answers.ts";

/** The step's own time limit comes this much after the one that ends it with a sentence. */
const MARGIN_MS = 60_000;

/** Waits for people to approve exactly this plan. */
export const approve = defineStep({
  kind: "approve",
  version: 2,
  inRollback: false,
  changesNothing: true,
  summary:
    "Waits until enough different people, none of whom made or started it, have approved exactly this plan.",
  requirements: ["B10"],
  schema: approveSchema,
  example: "count: 2\nroles: [approver]\nexpires: 4h\ntimeout: 8h\n",

  async gather(context): Promise<ApproveFacts> {
    const { with: settings, environment, planning, release, projectDirectory: directory, signal } = context;
    const byWork = exclusionsOf(settings, environment.protected).some((part) => part !== "starter");
    // Looked at again, nothing here makes a plan stale: what was found out is part of its hash.
    if (planning === undefined) return { hasUsers: false, authorship: null };
    const hasUsers = await planning.hasUsers();
    if (!byWork) return { hasUsers, authorship: null };
    const { findAuthorship } = await import("./approve/authorship.ts");
    const authorship = await findAuthorship({
      directory,
      commit: settings.commit ?? release,
      since:
        planning.previousRelease === undefined ? undefined : (settings.since ?? planning.previousRelease),
      migrations: settings.migrations,
      runbookFile: planning.runbookFile,
      signal,
    });
    return { hasUsers, authorship };
  },

  plan({ with: settings, facts, environment, release }) {
    const { authorship } = facts;
    return {
      summary: approvalLines(settings, facts, environment.protected),
      risk: "low",
      durationMs: 0,
      timeoutMs: parseDuration(settings.timeout)! + MARGIN_MS,
      undo: { how: "none-needed", text: "an approval changes nothing" },
      inputs: authorship === null ? [] : [{ name: `authors of ${release}`, digest: hashJson(authorship) }],
      blocked: approvalBlocks(settings, facts, environment.protected),
    };
  },

  async observe() {
    return { state: "absent", reason: "approvals are counted from the inbox again; none is lost" };
  },

  async act(ctx) {
    const limitMs = parseDuration(ctx.with.timeout)!;
    const until = await durableDeadline(ctx, limitMs);
    const given: Given[] = [];
    const what = { for: "approval", text: wanted(ctx.with), until: until.toISOString() } as const;
    const end = await ctx.waiting(what, () =>
      readAnswers(ctx, until, async ({ body, identity: actor, at }): Promise<End | undefined> => {
        if (body.kind === "reject") return { kind: "rejected", by: actor.name, note: body.note };
        if (body.kind === "approve") {
          const { planHash, note, saw } = body;
          given.push({ actor, at, planHash, note, ...(saw && { saw }) });
        }
        const { isEnough, tally, last } = await count(ctx, given);
        ctx.progress(`${tally.approvals.length} of ${ctx.with.count} approvals${last}`);
        return isEnough ? { kind: "approved", tally } : undefined;
      }),
    );
    // Without a newer signal one may have expired since.
    const tally = end?.kind === "approved" ? end.tally : (await count(ctx, given)).tally;
    if (end?.kind === "rejected")
      return {
        outcome: "failed",
        reason: `rejected by ${end.by}${end.note === "" ? "" : `: ${end.note}`}`,
        result: { ...tally, decidedBy: end.by },
      };
    if (end === undefined) {
      const reason = `${tally.approvals.length} of ${ctx.with.count} approvals within ${formatDuration(limitMs)}`;
      return { outcome: "failed", reason, result: { ...tally } };
    }
    await ctx.evidence("approvals", JSON.stringify(record(ctx, given, tally), undefined, 2));
    const names = tally.approvals.map(({ by }) => by).join(", ");
    return { outcome: "done", reason: `approved by ${names}`, result: { ...tally } };
  },
});

interface Given extends Approval {
  note: string;
  saw?: ApprovalView;
}

type Tally = {
  approvals: { by: string; how: string; at: string; note: string }[];
  notCounted: { by: string; how: string; at: string; reason: string }[];
};

type End = { kind: "approved"; tally: Tally } | { kind: "rejected"; by: string; note: string };

type Ctx = StepContext<ApproveSettings, ApproveFacts>;

async function count(ctx: Ctx, given: readonly Given[]) {
  const { planHash, starter, facts } = ctx;
  const policy = policyOf(ctx.with, facts, ctx.environment.protected);
  const newerPlans = await ctx.newerPlans();
  // The worker's clock may be behind that by which signals are dated.
  const now = new Date(Math.max(ctx.clock.now().getTime(), ...given.map(({ at }) => at.getTime())));
  const situation = situationOf(facts, { planHash, starter, newerPlans, now });
  const { isEnough, counted, notCounted } = decideApprovals(policy, situation, given);
  const said = ({ actor, at }: Given) => ({ by: actor.name, how: actorText(actor), at: at.toISOString() });
  const tally: Tally = {
    approvals: counted.map((approval) => ({ ...said(approval), note: approval.note })),
    notCounted: notCounted.map(({ approval, reason }) => ({ ...said(approval), reason })),
  };
  const lost = notCounted.at(-1);
  const isLast = lost !== undefined && lost.approval === given.at(-1);
  return {
    isEnough,
    tally,
    last: isLast ? `; that of ${lost.approval.actor.name} does not count: ${lost.reason}` : "",
  };
}

/** What an auditor asks for: who counted and who did not, how it is known who they are, and what they were shown. */
function record(ctx: Ctx, given: readonly Given[], tally: Tally) {
  const policy = policyOf(ctx.with, ctx.facts, ctx.environment.protected);
  const shown = given.map(({ actor, at, planHash, saw }) => ({
    by: actor,
    at: at.toISOString(),
    planHash,
    saw: saw ?? null,
  }));
  return { planHash: ctx.planHash, startedBy: ctx.starter, policy, ...tally, given: shown };
}
