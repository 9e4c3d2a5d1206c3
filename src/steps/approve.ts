import * as z from "zod";
import { formatDuration, parseDuration } from "../lib/duration.ts";
import { durationSchema } from "../model/runbook.ts";
import type { Signal } from "../model/signal.ts";
import type { StepContext } from "../model/step-kind.ts";
import { defineStep } from "./define.ts";
import { durableDeadline } from "./durable-deadline.ts";
import { readAnswers } from "./read-answers.ts";

/** The step's own time limit comes this much after the one that ends it with a sentence. */
const MARGIN_MS = 60_000;

const schema = z
  .strictObject({
    count: z.int().min(1).max(20).default(1).describe("How many different people must approve"),
    from: z
      .array(z.string().min(1))
      .min(1)
      .max(100)
      .optional()
      .describe("Whose approval counts; everybody's when left out"),
    timeout: durationSchema.default("24h").describe("When the step fails for want of approvals"),
  })
  .refine(({ count, from }) => from === undefined || new Set(from.map(canonicalName)).size >= count, {
    error: "names fewer people than approvals are needed",
    path: ["from"],
  });

/** Waits for people to approve exactly this plan. */
export const approve = defineStep({
  kind: "approve",
  version: 1,
  inRollback: false,
  summary: "Waits until enough different people have approved exactly this plan.",
  requirements: ["B10"],
  schema,
  example: "count: 2\nfrom: [ann, bob, eve]\ntimeout: 4h\n",

  plan({ with: settings, environment }) {
    const starter = environment.protected ? ["the person who starts the run cannot approve it"] : [];
    return {
      summary: [`waits for ${wanted(settings)}`, ...starter],
      risk: "low",
      durationMs: 0,
      timeoutMs: parseDuration(settings.timeout)! + MARGIN_MS,
      undo: { how: "none-needed", text: "an approval changes nothing" },
      inputs: [],
      blocked: [],
    };
  },

  async observe() {
    return { state: "absent", reason: "approvals are counted from the inbox again; none is lost" };
  },

  async act(ctx) {
    const limitMs = parseDuration(ctx.with.timeout)!;
    const until = await durableDeadline(ctx, limitMs);
    const tally: Tally = { approvals: [], notCounted: [] };
    const what = { for: "approval", text: wanted(ctx.with), until: until.toISOString() } as const;
    const end = await ctx.waiting(what, () =>
      readAnswers(ctx, until, (signal) => {
        const ended = count(ctx, tally, signal);
        ctx.progress(`${tally.approvals.length} of ${ctx.with.count} approvals`);
        return ended;
      }),
    );
    if (end?.kind === "rejected")
      return {
        outcome: "failed",
        reason: `rejected by ${end.by}${end.note === "" ? "" : `: ${end.note}`}`,
        result: { ...tally },
      };
    if (end === undefined) {
      const reason = `${tally.approvals.length} of ${ctx.with.count} approvals within ${formatDuration(limitMs)}`;
      return { outcome: "failed", reason, result: { ...tally } };
    }
    await ctx.evidence("approvals", JSON.stringify({ planHash: ctx.planHash, ...tally }, undefined, 2));
    const names = tally.approvals.map(({ by }) => by).join(", ");
    return { outcome: "done", reason: `approved by ${names}`, result: { ...tally } };
  },
});

type Tally = {
  approvals: { by: string; at: string; note: string }[];
  notCounted: { by: string; at: string; reason: string }[];
};

type End = { kind: "approved" } | { kind: "rejected"; by: string; note: string };

type Ctx = StepContext<z.output<typeof schema>, null>;

function count(ctx: Ctx, tally: Tally, { body, actor, at }: Signal): End | undefined {
  if (body.kind === "reject") return { kind: "rejected", by: actor, note: body.note };
  if (body.kind !== "approve") return undefined;
  const reason = whyNotCounted(ctx, tally, body.planHash, actor);
  if (reason !== undefined) tally.notCounted.push({ by: actor, at: at.toISOString(), reason });
  else tally.approvals.push({ by: actor, at: at.toISOString(), note: body.note });
  return tally.approvals.length >= ctx.with.count ? { kind: "approved" } : undefined;
}

function whyNotCounted(ctx: Ctx, tally: Tally, planHash: string, actor: string): string | undefined {
  const { from } = ctx.with;
  if (planHash !== ctx.planHash) return "it was given for another plan";
  if (ctx.environment.protected && sameName(actor, ctx.startedBy)) return "they started the run";
  if (from !== undefined && !from.some((name) => sameName(name, actor)))
    return "they are not among those named";
  if (tally.approvals.some(({ by }) => sameName(by, actor))) return "they have approved already";
  return undefined;
}

function wanted({ count, from }: z.output<typeof schema>): string {
  const people = from === undefined ? "" : ` from ${from.join(", ")}`;
  return `${count} ${count === 1 ? "approval" : "approvals"} of this plan${people}`;
}

/** "Ann" and "ann " are one person: nobody approves twice by spelling. */
function sameName(one: string, other: string): boolean {
  return canonicalName(one) === canonicalName(other);
}

function canonicalName(name: string): string {
  return name.normalize("NFKC").trim().toLowerCase();
}
