import * as z from "zod";
import { hasCode, TminusError } from "../errors.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { PlanStepInput, StepContext, StepResult } from "../model/step-kind.ts";
import { defineStep } from "./define.ts";
import {
  gatherTraffic,
  liveRoutes,
  routesWith,
  sameShares,
  sayRoutes,
  trafficBlocks,
  trafficInput,
  type Routes,
  type TrafficFacts,
} from "./traffic.ts";

const schema = z.strictObject({
  percent: z
    .int()
    .min(1)
    .max(100)
    .describe(
      "Share of the traffic that the release gets; the rest stays with what was live. A first deployment gets 100",
    ),
});

type With = z.output<typeof schema>;
type Ctx = StepContext<With, TrafficFacts>;

const TIMEOUT_MS = 2 * 60_000;

/**
 * Gives the release a share of the traffic. What the shares were is saved before they are changed, so that undo
 * restores exactly that, also after a crash.
 */
export const appShift = defineStep({
  kind: "app.shift",
  version: 1,
  inRollback: true,
  summary: "Gives the new release a share of the traffic, up to all of it.",
  requirements: ["D4", "F1"],
  schema,
  example: "percent: 10\n",

  gather: (context): Promise<TrafficFacts> => gatherTraffic(context.target),

  plan(input) {
    const { facts, with: settings, release } = input;
    const before = facts.state === "seen" ? (facts.routes ?? []) : [];
    const after = routesWith(release, settings.percent, before);
    return {
      summary: [`traffic becomes ${sayRoutes(after)}`],
      risk: settings.percent === 100 ? "high" : "medium",
      durationMs: 1000,
      timeoutMs: TIMEOUT_MS,
      undo: undoOf(input),
      inputs: [trafficInput(facts)],
      trafficPercent: after.find((route) => route.release === release)?.percent ?? settings.percent,
      blocked: [...trafficBlocks(facts), ...capabilityBlocks(input)],
    };
  },

  async observe(ctx) {
    const now = await ctx.target.traffic();
    if (now.state === "unknown") return { state: "unknown", reason: now.reason };
    const current = now.state === "absent" ? [] : now.value.routes;
    const saved = await savedBefore(ctx);
    const before = saved === undefined ? current : (saved.before ?? []);
    const wanted = routesWith(ctx.release, ctx.with.percent, before);
    if (!sameShares(current, wanted))
      return { state: "absent", reason: `traffic is ${sayRoutes(current)}, wanted is ${sayRoutes(wanted)}` };
    return { state: "done", reason: `traffic is ${sayRoutes(current)}`, result: { before, routes: current } };
  },

  async act(ctx) {
    const before = await beforeState(ctx);
    const wanted = routesWith(ctx.release, ctx.with.percent, before ?? []);
    return shift(ctx, wanted, (routes) => ({ before, routes }));
  },

  async verify(ctx, result) {
    const wanted = routesOf(result.routes) ?? [];
    const now = await ctx.target.traffic();
    if (now.state === "unknown") return { verdict: "unknown", reason: now.reason };
    const current = now.state === "absent" ? [] : now.value.routes;
    const verdict = sameShares(current, wanted) ? "pass" : "fail";
    return { verdict, reason: `traffic is ${sayRoutes(current)}` };
  },

  async undo(ctx, result) {
    const saved = await savedBefore(ctx);
    const before = saved === undefined ? routesOf(result?.before) : saved.before;
    if (saved === undefined && result === undefined) return neverShifted(ctx);
    if (before !== null && before.length > 0) return shift(ctx, before, (routes) => ({ routes }));
    const now = await currentRoutes(ctx);
    if (liveRoutes(now ?? []).length === 0)
      return { outcome: "done", reason: "the traffic was not changed", result: {} };
    const reason = `there is no earlier release to go back to: ${sayRoutes(now)} keeps the traffic`;
    return { outcome: "failed", reason, result: { routes: now ?? [] } };
  },
});

/** The shares before this step's first shift: saved once, and read again by every later attempt. */
async function beforeState(ctx: Ctx): Promise<Routes | null> {
  const saved = await savedBefore(ctx);
  if (saved !== undefined) return saved.before;
  const before = await currentRoutes(ctx);
  await ctx.saveState({ before });
  return before;
}

async function savedBefore(ctx: Ctx): Promise<{ before: Routes | null } | undefined> {
  const state = await ctx.loadState();
  if (state === undefined) return undefined;
  return { before: routesOf((state as JsonObject).before) };
}

/** Null when nothing was ever deployed. Throws TARGET_UNREACHABLE. */
async function currentRoutes(ctx: Ctx): Promise<Routes | null> {
  const now = await ctx.target.traffic();
  if (now.state === "unknown")
    throw new TminusError("TARGET_UNREACHABLE", `it is not known what is live: ${now.reason}`);
  return now.state === "absent" ? null : now.value.routes;
}

async function shift(
  ctx: Ctx,
  wanted: Routes,
  toResult: (routes: Routes) => JsonObject,
): Promise<StepResult> {
  try {
    const { routes } = await ctx.target.shift(wanted, ctx.fence, ctx.signal);
    return { outcome: "done", reason: `traffic is ${sayRoutes(routes)}`, result: toResult(routes) };
  } catch (error) {
    if (!hasCode(error, "TARGET_CONFLICT", "TARGET_UNHEALTHY")) throw error;
    return { outcome: "failed", reason: ctx.redact(error.message), result: toResult(wanted) };
  }
}

/**
 * Nothing was saved, and saving comes before shifting: so this step has not shifted. Traffic that stands
 * exactly where this step would have put it contradicts that, and is not passed over.
 */
async function neverShifted(ctx: Ctx): Promise<StepResult> {
  const now = await currentRoutes(ctx);
  const planned = ctx.facts.state === "seen" ? (ctx.facts.routes ?? []) : [];
  const mine = routesWith(ctx.release, ctx.with.percent, planned);
  if (sameShares(now ?? [], mine) && !sameShares(planned, mine)) {
    const reason = `traffic is ${sayRoutes(now)}, and it was not recorded what it was before`;
    return { outcome: "failed", reason, result: { routes: now ?? [] } };
  }
  return { outcome: "done", reason: "this step has not changed the traffic", result: { routes: now ?? [] } };
}

function undoOf({ facts }: PlanStepInput<With, TrafficFacts>) {
  if (facts.state === "seen" && (facts.routes ?? []).length === 0)
    return {
      how: "irreversible" as const,
      text: "first deployment: there is no earlier release to go back to",
    };
  const before = facts.state === "seen" ? sayRoutes(facts.routes) : "what it was";
  return { how: "undo" as const, text: `traffic back to ${before} at once` };
}

function capabilityBlocks({ capabilities, with: { percent } }: PlanStepInput<With, TrafficFacts>) {
  if (capabilities.traffic === "percent" || percent === 100) return [];
  return [{ reason: "this target cannot split traffic", fix: "set percent: 100, or leave the step out" }];
}

function routesOf(value: Json | undefined): Routes | null {
  return Array.isArray(value) ? (value as Routes) : null;
}
