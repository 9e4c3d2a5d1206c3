import * as z from "zod";
import { formatDuration, parseDuration } from "../lib/duration.ts";
import type { PlanInput } from "../model/plan.ts";
import { releaseInputsOf } from "../model/release-inputs.ts";
import type { Run } from "../model/run.ts";
import { durationSchema, idSchema } from "../model/runbook.ts";
import { defineGate } from "./define.ts";
import type { GateVerdict } from "../model/gate-kind.ts";
import { judgeRehearsal } from "./staging/rehearsal.ts";

const schema = z.strictObject({
  environment: idSchema.default("staging").describe("Where the same release must have succeeded"),
  maxAge: durationSchema.optional().describe("How long ago that may have been; any time when left out"),
  byName: z
    .boolean()
    .default(false)
    .describe(
      "Whether the release's name alone may tell that it is the same, for a target that declares no files of it",
    ),
  rehearsed: z
    .boolean()
    .default(false)
    .describe(
      "Whether its rollback must have been rehearsed there too, by a step app.rehearse-rollback, to the release that is live here",
    ),
});
type With = z.output<typeof schema>;

/** Runs of the other environment that are looked through. */
const MAX_RUNS = 200;

/**
 * Passes when the last run that brought this very release to the other environment succeeded there, and it was not
 * rolled back since. Looked up in the journal: the digests of the release's files and migrations in the plan of that run
 * are compared with those of the plan being made.
 */
export const stagingVerified = defineGate({
  kind: "staging.verified",
  summary:
    "Passes when the same files and migrations were deployed to staging with success, and not rolled back since.",
  requirements: ["A2", "F5"],
  schema,
  example: "environment: staging\nmaxAge: 7d\nrehearsed: true\n",

  async check(context): Promise<GateVerdict> {
    const { release, clock, with: settings } = context;
    const runs = await context.runs({ environment: settings.environment, limit: MAX_RUNS });
    const run = runs.find(({ plan }) => plan.purpose === "deploy" && plan.release === release);
    if (run === undefined) return neverDeployed(runs.length, release, settings);
    const standing = outcomeOf(run, runs, settings);
    if (standing !== undefined) return { ...standing, evidence: { run: run.id } };
    const ours = releaseInputsOf(context.inputs);
    const different = compare(ours, run, release, settings);
    const evidence = {
      run: run.id,
      endedAt: run.endedAt?.toISOString() ?? null,
      compared: ours.map(({ name, digest }) => ({ name, digest })),
    };
    if (different !== undefined) return { ...different, evidence };
    const ageMs = clock.now().getTime() - (run.endedAt?.getTime() ?? 0);
    const age = formatDuration(Math.max(0, ageMs));
    const where = `${release} succeeded on ${settings.environment} ${age} ago (run ${run.id})`;
    if (settings.maxAge !== undefined && ageMs > parseDuration(settings.maxAge)!)
      return {
        verdict: "fail",
        reason: `${where}, more than ${settings.maxAge}`,
        evidence,
        fix: again(release, settings),
      };
    if (!settings.rehearsed) return { verdict: "pass", reason: where, evidence };
    const same = runs.filter(
      (other) => isSameRelease(other, run) && compare(ours, other, release, settings) === undefined,
    );
    const rehearsal = await judgeRehearsal(context, same);
    return {
      ...rehearsal,
      reason: `${where}; ${rehearsal.reason}`,
      evidence: { ...evidence, rehearsal: rehearsal.evidence ?? null },
    };
  },
});

function neverDeployed(seen: number, release: string, settings: With): GateVerdict {
  const reason = `${release} was never deployed to ${settings.environment}`;
  if (seen < MAX_RUNS) return { verdict: "fail", reason, fix: again(release, settings) };
  return {
    verdict: "unknown",
    reason: `${release} is not among the last ${MAX_RUNS} runs of ${settings.environment}`,
    fix: again(release, settings),
  };
}

/** Whether it brought the same release with success, too. */
function isSameRelease({ plan, outcome }: Run, run: Run): boolean {
  return plan.purpose === "deploy" && plan.release === run.plan.release && outcome === "succeeded";
}

/** Undefined when the run succeeded and nothing was rolled back since. `runs` are the newest first. */
function outcomeOf(run: Run, runs: readonly Run[], settings: With): GateVerdict | undefined {
  const { environment } = settings;
  const { release } = run.plan;
  if (run.state !== "ended")
    return {
      verdict: "unknown",
      reason: `run ${run.id} of ${release} on ${environment} has not ended`,
      fix: `wait for it: tminus wait ${run.id}`,
    };
  if (run.outcome !== "succeeded")
    return {
      verdict: "fail",
      reason: `the last run of ${release} on ${environment} ended ${run.outcome ?? "without an outcome"} (run ${run.id})`,
      fix: again(release, settings),
    };
  const back = runs
    .slice(0, runs.indexOf(run))
    .find(({ plan }) => plan.purpose === "rollback" && plan.previousRelease === release);
  if (back === undefined) return undefined;
  return {
    verdict: "fail",
    reason: `${release} was rolled back on ${environment} since (run ${back.id}, to ${back.plan.release})`,
    fix: again(release, settings),
  };
}

/** Undefined when everything that belongs to the release was the same in that run. */
function compare(
  ours: readonly PlanInput[],
  run: Run,
  release: string,
  settings: With,
): GateVerdict | undefined {
  const theirs = new Map(run.plan.inputs.map(({ name, digest }) => [name, digest]));
  const others = ours.filter(({ name, digest }) => theirs.get(name) !== digest);
  if (others.length > 0) {
    const said = others.map(({ name }) => (theirs.has(name) ? `other ${name}` : `no ${name}`));
    return {
      verdict: "fail",
      reason: `run ${run.id} of ${release} on ${settings.environment} had ${said.join(", ")}`,
      fix: again(release, settings),
    };
  }
  if (settings.byName || (ours.length > 0 && ours.every(({ digest }) => digest !== release)))
    return undefined;
  return {
    verdict: "unknown",
    reason: `of the files of ${release} nothing but its name is known, so that it cannot be told from another`,
    fix: "declare the files of the target, or allow byName",
  };
}

function again(release: string, { environment }: With): string {
  return `run tminus deploy ${environment} --release ${release}`;
}
