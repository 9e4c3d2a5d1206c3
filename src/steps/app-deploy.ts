import * as z from "zod";
import { hasCode } from "../errors.ts";
import type { JsonObject } from "../model/json.ts";
import type { PlanStepInput, StepContext, StepResult } from "../model/step-kind.ts";
import { releaseFilesInput } from "../model/release-inputs.ts";
import type { StagedRelease } from "../model/ports.ts";
import type { Undo } from "../model/plan.ts";
import { defineStep } from "./define.ts";
import { stageOptions } from "./stage-options.ts";
import {
  gatherTraffic,
  liveNow,
  sayRoutes,
  trafficBlocks,
  trafficInput,
  type Routes,
  type TrafficFacts,
} from "./traffic.ts";

const schema = z.strictObject({});

type With = z.output<typeof schema>;
type Facts = {
  precheck: { verdict: "pass" | "fail" | "unknown"; reason: string };
  /** Null when the precheck did not pass. */
  fingerprint: string | null;
  traffic: TrafficFacts;
};
type Ctx = StepContext<With, Facts>;

const TIMEOUT_MS = 10 * 60_000;
const EXPECTED_MS = 5000;

/**
 * Starts the release beside what is live, without traffic. On a target that cannot split traffic it deploys at
 * once, and what was live before is saved first, so that undo can go back to it.
 */
export const appDeploy = defineStep({
  kind: "app.deploy",
  version: 1,
  inRollback: true,
  summary: "Starts the new release beside the live one, healthy and without traffic.",
  requirements: ["D4"],
  schema,
  example: "{}\n",

  async gather({ target, release }): Promise<Facts> {
    const { verdict, reason } = await target.precheck(release);
    const fingerprint = verdict === "pass" ? await target.fingerprint(release) : null;
    return { precheck: { verdict, reason }, fingerprint, traffic: await gatherTraffic(target) };
  },

  plan(input) {
    const { facts, release, capabilities } = input;
    const atOnce = capabilities.traffic === "none";
    const { verdict, reason } = facts.precheck;
    const files = releaseFilesInput(release, facts.fingerprint ?? "");
    return {
      summary: [
        atOnce
          ? `deploys ${release}, which takes all traffic at once: this target cannot split it`
          : `starts ${release} beside what is live, without traffic`,
      ],
      risk: atOnce ? "high" : "low",
      durationMs: EXPECTED_MS,
      timeoutMs: TIMEOUT_MS,
      ...(atOnce ? { trafficPercent: 100 } : {}),
      undo: atOnce ? undoAtOnce(input) : { how: "undo", text: stopText(input) },
      inputs: [...(facts.fingerprint === null ? [] : [files]), trafficInput(facts.traffic)],
      blocked: [
        ...(verdict === "pass"
          ? []
          : [
              {
                reason:
                  verdict === "fail"
                    ? reason
                    : `it could not be checked whether ${release} can be deployed: ${reason}`,
              },
            ]),
        ...trafficBlocks(facts.traffic),
      ],
    };
  },

  async observe(ctx) {
    const found = await ctx.target.findStaged(ctx.key);
    if (found.state === "unknown") return { state: "unknown", reason: found.reason };
    if (found.state === "absent")
      return { state: "absent", reason: `${ctx.release} was not started by this step` };
    return { state: "done", reason: `${ctx.release} runs and is healthy`, result: toResult(found.value) };
  },

  async act(ctx) {
    const live = await liveNow(ctx);
    if (ctx.target.capabilities.traffic === "none" && (await ctx.loadState()) === undefined)
      await ctx.saveState({ before: live });
    const previous = ctx.previousRelease === undefined ? [] : [ctx.previousRelease];
    const keep = [...new Set([ctx.release, ...live.map(({ release }) => release), ...previous])];
    return refusals(ctx, async () => {
      await ctx.target.retire(keep, stageOptions(ctx));
      const staged = await ctx.target.stage(ctx.key, ctx.release, stageOptions(ctx));
      return { outcome: "done", reason: `${ctx.release} runs and is healthy`, result: toResult(staged) };
    });
  },

  async verify(ctx) {
    const found = await ctx.target.findStaged(ctx.key);
    if (found.state === "unknown") return { verdict: "unknown", reason: found.reason };
    if (found.state === "absent")
      return { verdict: "fail", reason: `${ctx.release} no longer runs, or is not healthy` };
    return { verdict: "pass", reason: `${ctx.release} runs and is healthy` };
  },

  async undo(ctx) {
    return refusals(ctx, async () => {
      if (ctx.target.capabilities.traffic === "none") {
        const before = savedRoutes(await ctx.loadState());
        const ours = (await liveNow(ctx)).some(({ release }) => release === ctx.release);
        if (ours && before.length > 0) await ctx.target.shift(before, ctx.fence, ctx.signal);
      }
      await ctx.target.unstage(ctx.key, stageOptions(ctx));
      return { outcome: "done", reason: `what this step started of ${ctx.release} is stopped`, result: {} };
    });
  },
});

/** With nothing live before there is nowhere to send the traffic once it has arrived. */
function stopText({ facts, release }: { facts: Facts; release: string }): string {
  const isFirst = facts.traffic.state === "seen" && (facts.traffic.routes ?? []).length === 0;
  return isFirst ? `stops ${release} again, as long as it has no traffic` : `stops ${release} again`;
}

/** What the target refused for a known reason is a failure; that it could not be asked stays an error. */
async function refusals(ctx: Ctx, work: () => Promise<StepResult>): Promise<StepResult> {
  try {
    return await work();
  } catch (error) {
    if (!hasCode(error, "TARGET_CONFLICT", "TARGET_UNHEALTHY")) throw error;
    return { outcome: "failed", reason: ctx.redact(error.message), result: { code: error.code } };
  }
}

/** Without the headers: they may hold what pins a request to a release. */
function toResult({ release, reference, url }: StagedRelease): JsonObject {
  return { release, reference, url };
}

function undoAtOnce({ facts: { traffic } }: PlanStepInput<With, Facts>): Undo {
  if (traffic.state === "seen" && (traffic.routes ?? []).length === 0)
    return { how: "irreversible", text: "first deployment: there is no earlier release to go back to" };
  return {
    how: "undo",
    text: `deploys ${traffic.state === "seen" ? sayRoutes(traffic.routes) : "what was live"} again`,
  };
}

function savedRoutes(state: unknown): Routes {
  return (state as { before?: Routes } | undefined)?.before ?? [];
}
