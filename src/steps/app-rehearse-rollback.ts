import { hasCode, TminusError } from "../errors.ts";
import { formatDuration, parseDuration } from "../lib/duration.ts";
import type { JsonObject } from "../model/json.ts";
import { REHEARSAL_KIND, rehearsalSchema } from "../model/rehearsal.ts";
import type { PlanStepInput, StepContext, StepForecast, StepResult } from "../model/step-kind.ts";
import { defineStep } from "./define.ts";
import { askChecks } from "./smoke/ask-checks.ts";
import { checksSchema, type ChecksSettings } from "./smoke/schema.ts";
import { selectChecks } from "./smoke/select.ts";
import { stageOptions } from "./stage-options.ts";
import {
  gatherTraffic,
  liveNow,
  sameShares,
  sayRoutes,
  trafficBlocks,
  trafficInput,
  type Routes,
  type TrafficFacts,
} from "./traffic.ts";

const EXPECTED_MS = 10_000;
/** Beside the checks: the earlier release may have to be started, and the new one to be deployed again. */
const TIMEOUT_MS = 20 * 60_000;

type Ctx = StepContext<ChecksSettings, TrafficFacts>;
/** Saved before traffic is moved for the first time, so that what an interruption left is known to be ours. */
type Saved = { deployedMs: number | null; outcome?: JsonObject };

/**
 * Goes back to the release before and forward again, with the migrations in place, and times it. A rehearsal that was
 * interrupted is begun anew, after the new release has all traffic again: its times are those of one go.
 */
export const appRehearseRollback = defineStep({
  kind: REHEARSAL_KIND,
  version: 1,
  inRollback: false,
  summary:
    "Rehearses the rollback: all traffic goes back to the release before, which is asked over HTTP while the migrations stay, and forward again, each part timed.",
  requirements: ["F5", "A2"],
  schema: checksSchema,
  example: "checks:\n  - { id: health, path: /health, retry: { deadline: 10s } }\n",

  gather: (context): Promise<TrafficFacts> => gatherTraffic(context.target),
  plan: forecast,

  async observe(ctx) {
    const now = await ctx.target.traffic();
    if (now.state === "unknown") return { state: "unknown", reason: now.reason };
    const live = now.state === "absent" ? [] : now.value.routes;
    const outcome = (await savedOf(ctx))?.outcome;
    if (outcome !== undefined && hasAll(live, ctx.release))
      return { state: "done", reason: reasonOf(outcome), result: outcome };
    return { state: "absent", reason: `the rehearsal is not complete; traffic is ${sayRoutes(live)}` };
  },

  async act(ctx) {
    const earlier = earlierRelease(ctx);
    if (earlier !== undefined) return rehearse(ctx, earlier);
    const reason = `there is no release before ${ctx.release} to go back to: its rollback was not rehearsed`;
    return { outcome: "done", reason, result: { verdict: "unknown", rehearsed: false } };
  },

  async verify(ctx) {
    const now = await ctx.target.traffic();
    if (now.state === "unknown") return { verdict: "unknown", reason: now.reason };
    const live = now.state === "absent" ? [] : now.value.routes;
    const isForward = earlierRelease(ctx) === undefined || hasAll(live, ctx.release);
    return { verdict: isForward ? "pass" : "fail", reason: `traffic is ${sayRoutes(live)}` };
  },

  async undo(ctx) {
    const earlier = earlierRelease(ctx);
    const saved = await savedOf(ctx);
    if (saved === undefined || earlier === undefined)
      return { outcome: "done", reason: "this step has not moved traffic", result: {} };
    if (hasAll(await liveNow(ctx), earlier)) {
      const forward = await goForward(ctx);
      if (!forward.ok) return { outcome: "failed", reason: await withLive(ctx, forward.reason), result: {} };
    }
    await clear(ctx);
    await ctx.saveState({ deployedMs: saved.deployedMs });
    const routes = await liveNow(ctx);
    return { outcome: "done", reason: `traffic is ${sayRoutes(routes)}`, result: { routes } };
  },
});

function forecast(input: PlanStepInput<ChecksSettings, TrafficFacts>): StepForecast {
  const { with: settings, facts, release, environment, trafficPercent } = input;
  const earlier = earlierRelease(input);
  const shared = {
    durationMs: EXPECTED_MS,
    timeoutMs: TIMEOUT_MS + parseDuration(settings.deadline)!,
    inputs: [trafficInput(facts)],
    blocked: [
      ...trafficBlocks(facts),
      ...(environment.protected
        ? [
            {
              reason: `${environment.name} is protected, and a rehearsal gives the release before all its traffic`,
              fix: "put the step into a stage whose environments leave it out",
            },
          ]
        : []),
      ...(trafficPercent === 100
        ? []
        : [
            {
              reason: `${release} has ${trafficPercent} % of the traffic when its rollback is to be rehearsed`,
              fix: "put the step after the one that gives it all traffic",
            },
          ]),
    ],
  };
  if (earlier === undefined)
    return {
      ...shared,
      summary: [`there is no release before ${release}: nothing can be rehearsed`],
      risk: "low",
      undo: { how: "none-needed", text: "nothing is changed" },
    };
  const checks = selectChecks(settings).map(({ id }) => id);
  return {
    ...shared,
    summary: [
      `all traffic goes back to ${earlier}, while the schema stays as it is; asks it: ${checks.join(", ")}`,
      `all traffic goes forward to ${release} again`,
    ],
    risk: "medium",
    trafficPercent: 100,
    undo: { how: "undo", text: `gives ${release} all traffic again when it was interrupted` },
  };
}

async function rehearse(ctx: Ctx, earlier: string): Promise<StepResult> {
  const begun = await begin(ctx, earlier);
  if (!begun.ok) return failed(ctx, begun.reason, { verdict: "unknown" });
  ctx.progress(`going back to ${earlier}`);
  const back = await timed(ctx, () => goBack(ctx, earlier));
  ctx.progress(back.ok ? `${earlier} has all traffic, asking it` : back.reason);
  const smoked = back.ok ? await timed(ctx, () => smokeOld(ctx, earlier)) : undefined;
  ctx.progress(`going forward to ${ctx.release}`);
  const forward = await timed(ctx, () => goForward(ctx));
  if (forward.ok) await clear(ctx);
  const problem = problemOf(earlier, back, smoked);
  if (problem !== undefined || smoked === undefined || !forward.ok) {
    const reasons = [problem?.reason, forward.ok ? undefined : `${ctx.release}: ${forward.reason}`];
    const verdict = problem?.verdict ?? "fail";
    return failed(ctx, reasons.filter((reason) => reason !== undefined).join("; "), { verdict });
  }
  const times: JsonObject = {
    deployedMs: begun.deployedMs,
    rolledBackMs: back.ms,
    smokedOld: { passed: smoked.result.passed ?? 0, durationMs: smoked.ms },
    rolledForwardMs: forward.ms,
  };
  const rehearsal = { rehearsed: true, from: ctx.release, to: earlier, ...times };
  const evidence = await ctx.evidence("rehearsal.json", JSON.stringify(rehearsal, undefined, 2));
  const outcome = { verdict: "pass", ...rehearsal, evidence };
  await ctx.saveState({ deployedMs: begun.deployedMs, outcome });
  return { outcome: "done", reason: reasonOf(outcome), result: outcome };
}

type Went = { ok: true } | { ok: false; reason: string };

/** The new release has all traffic afterwards, whatever an interrupted rehearsal left. */
async function begin(
  ctx: Ctx,
  earlier: string,
): Promise<{ ok: true; deployedMs: number | null } | { ok: false; reason: string }> {
  const live = await liveNow(ctx);
  const saved = await savedOf(ctx);
  if (saved !== undefined && hasAll(live, earlier)) {
    ctx.progress(`an interrupted rehearsal left ${earlier} with all traffic, going forward first`);
    const forward = await goForward(ctx);
    return forward.ok ? { ok: true, deployedMs: saved.deployedMs } : forward;
  }
  if (!hasAll(live, ctx.release))
    return { ok: false, reason: `only a release that has all traffic can be rehearsed to go back` };
  if (saved !== undefined) return { ok: true, deployedMs: saved.deployedMs };
  const deployedMs = deploymentMs(ctx);
  await ctx.saveState({ deployedMs });
  return { ok: true, deployedMs };
}

function deploymentMs({ zeroAt, trafficMovedAt }: Ctx): number | null {
  if (zeroAt === undefined || trafficMovedAt === undefined || trafficMovedAt < zeroAt) return null;
  return trafficMovedAt.getTime() - zeroAt.getTime();
}

/** By what a rollback would do: on a target that cannot split traffic its own way back, else starting what is not there. */
function goBack(ctx: Ctx, earlier: string): Promise<Went> {
  return refusals(async () => {
    if (ctx.target.capabilities.traffic === "percent" && !(await isRunning(ctx, earlier)))
      await ctx.target.stage(earlierKey(ctx), earlier, stageOptions(ctx));
    await ctx.target.shift([{ release: earlier, percent: 100 }], ctx.fence, ctx.signal);
  });
}

function goForward(ctx: Ctx): Promise<Went> {
  return refusals(async () => {
    if (ctx.target.capabilities.traffic === "none" || !(await isRunning(ctx, ctx.release)))
      await ctx.target.stage(`${ctx.key}#forward`, ctx.release, stageOptions(ctx));
    await ctx.target.shift([{ release: ctx.release, percent: 100 }], ctx.fence, ctx.signal);
  });
}

/** Stops what was started for the rehearsal alone. */
async function clear(ctx: Ctx): Promise<void> {
  if (ctx.target.capabilities.traffic === "percent")
    await ctx.target.unstage(earlierKey(ctx), stageOptions(ctx));
}

/** Throws TARGET_UNREACHABLE when it cannot be found out. */
async function isRunning(ctx: Ctx, release: string): Promise<boolean> {
  const found = await ctx.target.findRelease(release);
  if (found.state === "unknown")
    throw new TminusError("TARGET_UNREACHABLE", `whether ${release} runs is not known: ${found.reason}`);
  return found.state === "present";
}

function smokeOld(ctx: Ctx, earlier: string): Promise<StepResult> {
  return askChecks(ctx, { baseUrl: ctx.environment.url, headers: {}, expectedRelease: earlier });
}

/** What the rehearsal has shown of the rollback; undefined when it would be good. */
function problemOf(
  earlier: string,
  back: Went,
  smoked: StepResult | undefined,
): { verdict: "fail" | "unknown"; reason: string } | undefined {
  const broken = `rolling back to ${earlier} after these migrations would break`;
  if (!back.ok) return { verdict: "fail", reason: `${broken}: ${back.reason}` };
  if (smoked === undefined || smoked.outcome === "done") return undefined;
  if (smoked.result.verdict === "fail") return { verdict: "fail", reason: `${broken}: ${smoked.reason}` };
  const reason = `whether ${earlier} works after these migrations could not be found out: ${smoked.reason}`;
  return { verdict: "unknown", reason };
}

async function failed(ctx: Ctx, reason: string, result: JsonObject): Promise<StepResult> {
  return { outcome: "failed", reason: await withLive(ctx, reason), result: { rehearsed: false, ...result } };
}

/** Asked anew: what is said to be live was seen. Throws TARGET_UNREACHABLE. */
async function withLive(ctx: Ctx, reason: string): Promise<string> {
  return `${ctx.redact(reason)}; traffic is ${sayRoutes(await liveNow(ctx))}`;
}

/** What the target refused for a known reason; that it could not be asked stays an error. */
async function refusals(work: () => Promise<void>): Promise<Went> {
  try {
    await work();
    return { ok: true };
  } catch (error) {
    if (!hasCode(error, "TARGET_CONFLICT", "TARGET_UNHEALTHY")) throw error;
    return { ok: false, reason: error.message };
  }
}

async function timed<T extends object>({ clock }: Ctx, work: () => Promise<T>): Promise<T & { ms: number }> {
  const begunMs = clock.monotonicMs();
  const value = await work();
  return { ...value, ms: Math.round(clock.monotonicMs() - begunMs) };
}

/** What was live when planning, unless that was this release. */
function earlierRelease({
  release,
  previousRelease,
}: Pick<Ctx, "release" | "previousRelease">): string | undefined {
  return previousRelease === release ? undefined : previousRelease;
}

function earlierKey({ key }: Ctx): string {
  return `${key}#earlier`;
}

function hasAll(routes: Routes, release: string): boolean {
  return sameShares(routes, [{ release, percent: 100 }]);
}

async function savedOf(ctx: Ctx): Promise<Saved | undefined> {
  return (await ctx.loadState()) as Saved | undefined;
}

function reasonOf(outcome: JsonObject): string {
  const { from, to, rolledBackMs, rolledForwardMs, smokedOld } = rehearsalSchema.parse(outcome);
  const checks = smokedOld.passed === 1 ? "its check passed" : `its ${smokedOld.passed} checks passed`;
  return `back to ${to} in ${formatDuration(rolledBackMs)}, where ${checks}, and forward to ${from} in ${formatDuration(rolledForwardMs)}`;
}
