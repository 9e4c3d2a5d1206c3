import { formatDuration, parseDuration } from "../../lib/duration.ts";
import type { GateContext, GateVerdict } from "../../model/gate-kind.ts";
import { stepsOf } from "../../model/plan-steps.ts";
import { REHEARSAL_KIND, rehearsalSchema, type Rehearsal } from "../../model/rehearsal.ts";
import type { Run } from "../../model/run.ts";

/** Runs of the release that are looked through, each with a question to the journal. */
const MAX_RUNS = 20;

type Ctx = Pick<
  GateContext<{ environment: string; maxAge?: string | undefined }>,
  "attempts" | "clock" | "environment" | "release" | "target" | "with"
>;
interface Found {
  run: Run;
  rehearsal: Rehearsal;
  endedAt: Date | undefined;
}

/**
 * Whether the rollback that this environment would need was rehearsed in one of these runs, which brought the very same
 * release to the other one with success; the newest first. Throws STATE_UNAVAILABLE.
 */
export async function judgeRehearsal(ctx: Ctx, runs: readonly Run[]): Promise<GateVerdict> {
  const { release, environment, with: settings } = ctx;
  const back = await earlierHere(ctx);
  if (back.state === "unknown")
    return {
      verdict: "unknown",
      reason: `it is not known to which release ${environment.name} would go back: ${back.reason}`,
      fix: "run tminus doctor",
    };
  if (back.release === undefined)
    return { verdict: "pass", reason: `${environment.name} has no earlier release to go back to` };
  const fix = `run tminus rollback --env ${settings.environment} --to ${back.release}, then tminus deploy ${settings.environment} --release ${release}`;
  const found = await findRehearsals(ctx, runs);
  const fitting = found.find(({ rehearsal }) => rehearsal.to === back.release);
  if (fitting === undefined) return notRehearsed(ctx, runs, found, back.release, fix);
  const { run, rehearsal, endedAt } = fitting;
  const { from, to, deployedMs, rolledBackMs, rolledForwardMs } = rehearsal;
  const said = `rollback to ${to} rehearsed on ${settings.environment}: ${formatDuration(rolledBackMs)} (run ${run.id})`;
  const times = { deployedMs, rolledBackMs, rolledForwardMs };
  const evidence = { run: run.id, endedAt: endedAt?.toISOString() ?? null, from, to, ...times };
  const ageMs = ctx.clock.now().getTime() - (endedAt?.getTime() ?? 0);
  if (settings.maxAge !== undefined && ageMs > parseDuration(settings.maxAge)!)
    return {
      verdict: "fail",
      reason: `${said}, ${formatDuration(ageMs)} ago, more than ${settings.maxAge}`,
      evidence,
      fix,
    };
  return { verdict: "pass", reason: said, evidence };
}

type Earlier = { state: "seen"; release: string | undefined } | { state: "unknown"; reason: string };

/** What serves most here beside the release: where a rollback would go. */
async function earlierHere({ target, release }: Ctx): Promise<Earlier> {
  const now = await target.traffic();
  if (now.state === "unknown") return { state: "unknown", reason: now.reason };
  if (now.state === "absent") return { state: "seen", release: undefined };
  const others = now.value.routes.filter((route) => route.percent > 0 && route.release !== release);
  return { state: "seen", release: others.sort((a, b) => b.percent - a.percent)[0]?.release };
}

async function findRehearsals(ctx: Ctx, runs: readonly Run[]): Promise<Found[]> {
  const found: Found[] = [];
  for (const run of runs.slice(0, MAX_RUNS)) {
    const ids = rehearsingSteps(run);
    if (ids.length === 0) continue;
    for (const { stepId, phase, state, result, endedAt } of await ctx.attempts(run.id)) {
      if (phase !== "act" || state !== "done" || !ids.includes(stepId)) continue;
      const rehearsal = rehearsalSchema.safeParse(result).data;
      if (rehearsal !== undefined) found.push({ run, rehearsal, endedAt });
    }
  }
  return found;
}

function notRehearsed(
  { with: { environment }, release }: Ctx,
  runs: readonly Run[],
  [other]: readonly Found[],
  to: string,
  fix: string,
): GateVerdict {
  const [run] = runs;
  const evidence = { run: other?.run.id ?? run?.id ?? null };
  if (other !== undefined) {
    const reason = `on ${environment} going back to ${other.rehearsal.to} was rehearsed (run ${other.run.id}), here it would be ${to}`;
    return { verdict: "fail", reason, evidence, fix };
  }
  if (runs.length > MAX_RUNS) {
    const reason = `none of the last ${MAX_RUNS} runs of ${release} on ${environment} rehearsed its rollback`;
    return { verdict: "unknown", reason, evidence, fix };
  }
  if (runs.every((one) => rehearsingSteps(one).length === 0)) {
    const reason = `no run of ${release} on ${environment} had a step ${REHEARSAL_KIND}`;
    return { verdict: "fail", reason, evidence, fix: `add such a step for ${environment}, then ${fix}` };
  }
  const reason = `the rollback of ${release} was not rehearsed on ${environment}: it had no release to go back to there (run ${run?.id})`;
  return { verdict: "fail", reason, evidence, fix };
}

function rehearsingSteps({ plan }: Run): string[] {
  return stepsOf(plan).flatMap(({ id, kind }) => (kind === REHEARSAL_KIND ? [id] : []));
}
