import { describe, expect, it } from "vitest";
import { gateKinds } from "../../src/gates/registry.ts";
import { runGates } from "../../src/gates/run-gates.ts";
import { stagingVerified } from "../../src/gates/staging-verified.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { TminusError } from "../../src/errors.ts";
import { uncheckedActor } from "../../src/model/actor.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { Plan, PlanInput } from "../../src/model/plan.ts";
import type { Attempt, Run } from "../../src/model/run.ts";
import { createFakeClock, createFakeTarget } from "../../src/testing/index.ts";
import { samplePlan } from "../cli/support/sample-run.ts";
import { gateContext } from "../support/gate-context.ts";

const FILES: PlanInput = { name: "release files of v2", digest: "a".repeat(64) };
const MIGRATIONS: PlanInput = { name: "migration files in db", digest: "b".repeat(64) };
const LIVE: PlanInput = { name: "live traffic", digest: "v1 100 %" };
const NOW = new Date("2026-11-27T12:00:00Z");

let count = 0;
function runOf(change: Partial<Run> = {}, plan: Partial<Plan> = {}): Run {
  return {
    id: `run-${++count}`,
    environment: "staging",
    plan: samplePlan({ release: "v2", inputs: [FILES, MIGRATIONS, LIVE], ...plan }),
    state: "ended",
    outcome: "succeeded",
    createdAt: new Date("2026-11-27T08:00:00Z"),
    createdBy: "ann",
    starter: uncheckedActor("ann"),
    endedAt: new Date("2026-11-27T09:00:00Z"),
    ...change,
  };
}

const check = (runs: Run[], settings: JsonObject = {}, inputs = [FILES, MIGRATIONS]) =>
  stagingVerified.check(
    gateContext(stagingVerified, settings, { runs, inputs, clock: createFakeClock({ start: NOW }) }),
  );

describe("staging.verified", () => {
  it("passes when the same release succeeded there, and says in which run and when", async () => {
    const run = runOf();
    expect(await check([run])).toMatchObject({
      verdict: "pass",
      reason: `v2 succeeded on staging 3h 00m ago (run ${run.id})`,
      evidence: { run: run.id, compared: [FILES, MIGRATIONS] },
    });
    expect(await check([runOf({ environment: "qa" })], { environment: "qa" })).toMatchObject({
      verdict: "pass",
    });
  });

  it("fails when it was never deployed there, only elsewhere, or only by going back to it", async () => {
    const never = { verdict: "fail", reason: "v2 was never deployed to staging" };
    expect(await check([])).toMatchObject({ ...never, fix: "run tminus deploy staging --release v2" });
    expect(await check([runOf({ environment: "production" })])).toMatchObject(never);
    expect(await check([runOf({}, { release: "v3" })])).toMatchObject(never);
    expect(await check([runOf({}, { purpose: "rollback", previousRelease: "v3" })])).toMatchObject(never);
  });

  it.each(["rolled-back", "stopped", "failed", "rollback-failed"] as const)(
    "fails when its last run there ended %s, although an earlier one succeeded",
    async (outcome) => {
      const last = runOf({ outcome });
      expect(await check([last, runOf()])).toMatchObject({
        verdict: "fail",
        reason: `the last run of v2 on staging ended ${outcome} (run ${last.id})`,
      });
    },
  );

  it("fails when it was rolled back since, not when another release was", async () => {
    const back = runOf({}, { purpose: "rollback", release: "v1", previousRelease: "v2" });
    expect(await check([back, runOf()])).toMatchObject({
      verdict: "fail",
      reason: `v2 was rolled back on staging since (run ${back.id}, to v1)`,
    });
    const other = runOf({}, { purpose: "rollback", release: "v2", previousRelease: "v3" });
    expect(await check([other, runOf()])).toMatchObject({ verdict: "pass" });
    expect(await check([runOf(), back])).toMatchObject({ verdict: "pass" });
  });

  it("is undecided while its last run there goes on", async () => {
    expect(await check([runOf({ state: "waiting" }), runOf()])).toMatchObject({
      verdict: "unknown",
      reason: expect.stringContaining("has not ended") as unknown,
    });
  });

  it("fails when files or migrations are others than there", async () => {
    const run = runOf({}, { inputs: [FILES, { ...MIGRATIONS, digest: "c".repeat(64) }] });
    expect(await check([run])).toMatchObject({
      verdict: "fail",
      reason: `run ${run.id} of v2 on staging had other migration files in db`,
    });
    const less = runOf({}, { inputs: [FILES] });
    expect(await check([less])).toMatchObject({
      verdict: "fail",
      reason: `run ${less.id} of v2 on staging had no migration files in db`,
    });
  });

  it("does not compare what belongs to the environment", async () => {
    expect(await check([runOf()], {}, [FILES, MIGRATIONS, { ...LIVE, digest: "v9 100 %" }])).toMatchObject({
      verdict: "pass",
    });
  });

  it("fails when that was too long ago", async () => {
    const run = runOf();
    expect(await check([run], { maxAge: "3h" })).toMatchObject({ verdict: "pass" });
    expect(await check([run], { maxAge: "2h" })).toMatchObject({
      verdict: "fail",
      reason: `v2 succeeded on staging 3h 00m ago (run ${run.id}), more than 2h`,
    });
  });

  it("is undecided when nothing but the name is known, unless that is said to be enough", async () => {
    const named: PlanInput = { name: "release files of v2", digest: "v2" };
    const run = runOf({}, { inputs: [named] });
    expect(await check([run], {}, [named])).toMatchObject({ verdict: "unknown" });
    expect(await check([run], { byName: true }, [named])).toMatchObject({ verdict: "pass" });
    expect(await check([run], {}, [])).toMatchObject({ verdict: "unknown" });
    const migrated = runOf({}, { inputs: [named, MIGRATIONS] });
    expect(await check([migrated], {}, [named, MIGRATIONS])).toMatchObject({ verdict: "unknown" });
    expect(await check([run], { byName: true }, [FILES])).toMatchObject({ verdict: "fail" });
  });

  it("is undecided when the journal does not answer, or does not reach back far enough", async () => {
    const others = Array.from({ length: 200 }, () => runOf({}, { release: "v9" }));
    expect(await check(others)).toMatchObject({
      verdict: "unknown",
      reason: "v2 is not among the last 200 runs of staging",
    });
    const { with: _, ...context } = gateContext(stagingVerified, {});
    const [result] = await runGates([{ id: "staging", kind: "staging.verified", with: {} }], {
      ...context,
      kinds: gateKinds,
      clock: systemClock,
      runs: () => Promise.reject(new TminusError("STATE_UNAVAILABLE", "the state database does not answer")),
    });
    expect(result).toMatchObject({ verdict: "unknown", reason: "the state database does not answer" });
  });
});

const TIMES = {
  deployedMs: 90_000,
  rolledBackMs: 41_000,
  smokedOld: { passed: 3, durationMs: 900 },
  rolledForwardMs: 2_000,
};
const STAGES = [
  {
    ...samplePlan().stages[0]!,
    steps: [{ ...samplePlan().stages[0]!.steps[0]!, id: "rehearse", kind: "app.rehearse-rollback" }],
  },
];

/** A run with a rehearsal in it, and what was attempted at it. */
function rehearsal(result: JsonObject, change: Partial<Attempt> = {}): { run: Run; attempt: Attempt } {
  const run = runOf({}, { stages: STAGES });
  const times = { begunAt: new Date("2026-11-27T08:30:00Z"), endedAt: new Date("2026-11-27T08:31:00Z") };
  const of = { runId: run.id, stepId: "rehearse", phase: "act", number: 1, acted: true } as const;
  return { run, attempt: { ...of, state: "done", result, ...times, ...change } };
}

const went = (to = "v1"): JsonObject => ({ verdict: "pass", rehearsed: true, from: "v2", to, ...TIMES });

describe("staging.verified with rehearsed", () => {
  const checkAll = (
    all: readonly { run: Run; attempt?: Attempt }[],
    settings: JsonObject = {},
    target = createFakeTarget({ routes: [{ release: "v1", percent: 100 }] }),
  ) =>
    stagingVerified.check(
      gateContext(
        stagingVerified,
        { rehearsed: true, ...settings },
        {
          runs: all.map(({ run }) => run),
          attempts: all.flatMap(({ attempt }) => attempt ?? []),
          inputs: [FILES, MIGRATIONS],
          clock: createFakeClock({ start: NOW }),
          world: { target },
        },
      ),
    );
  const FIX = "run tminus rollback --env staging --to v1, then tminus deploy staging --release v2";

  it("passes when the rollback to what is live here was rehearsed, with the run and its times", async () => {
    const one = rehearsal(went());
    expect(await checkAll([one])).toMatchObject({
      verdict: "pass",
      reason: `v2 succeeded on staging 3h 00m ago (run ${one.run.id}); rollback to v1 rehearsed on staging: 41 s (run ${one.run.id})`,
      evidence: {
        run: one.run.id,
        rehearsal: {
          run: one.run.id,
          endedAt: "2026-11-27T08:31:00.000Z",
          from: "v2",
          to: "v1",
          deployedMs: 90_000,
          rolledBackMs: 41_000,
          rolledForwardMs: 2_000,
        },
      },
    });
  });

  it("takes an earlier run of the very same release, not one with other files", async () => {
    const earlier = rehearsal(went());
    expect(await checkAll([{ run: runOf() }, earlier])).toMatchObject({ verdict: "pass" });
    const other = { ...earlier.run, plan: { ...earlier.run.plan, inputs: [FILES] } };
    expect(await checkAll([{ run: runOf() }, { ...earlier, run: other }])).toMatchObject({ verdict: "fail" });
    const failed: Run = { ...earlier.run, outcome: "rolled-back" };
    expect(await checkAll([{ run: runOf() }, { ...earlier, run: failed }])).toMatchObject({
      verdict: "fail",
    });
  });

  it("fails when nothing was rehearsed, and says what to run", async () => {
    const run = runOf();
    expect(await checkAll([{ run }])).toMatchObject({
      verdict: "fail",
      reason: `v2 succeeded on staging 3h 00m ago (run ${run.id}); no run of v2 on staging had a step app.rehearse-rollback`,
      fix: `add such a step for staging, then ${FIX}`,
    });
    const first = rehearsal({ verdict: "unknown", rehearsed: false });
    expect(await checkAll([first])).toMatchObject({
      verdict: "fail",
      reason: expect.stringContaining("it had no release to go back to there") as unknown,
      fix: FIX,
    });
    for (const change of [{ state: "failed" }, { phase: "undo" }, { stepId: "other" }] as const)
      expect(await checkAll([rehearsal(went(), change)])).toMatchObject({ verdict: "fail" });
  });

  it("fails when going back to another release was rehearsed than would be gone back to here", async () => {
    const one = rehearsal(went("v0"));
    expect(await checkAll([one])).toMatchObject({
      verdict: "fail",
      reason: expect.stringContaining(
        `on staging going back to v0 was rehearsed (run ${one.run.id}), here it would be v1`,
      ) as unknown,
      fix: FIX,
    });
  });

  it("fails when the rehearsal was too long ago, although the release was verified since", async () => {
    const all = [{ run: runOf() }, rehearsal(went())];
    expect(await checkAll(all, { maxAge: "4h" })).toMatchObject({ verdict: "pass" });
    expect(await checkAll(all, { maxAge: "3h" })).toMatchObject({
      verdict: "fail",
      reason: expect.stringContaining("3h 29m ago, more than 3h") as unknown,
      fix: FIX,
    });
  });

  it("asks for no rehearsal where there is nothing to go back to", async () => {
    for (const routes of [undefined, [{ release: "v2", percent: 100 }]]) {
      const target = createFakeTarget(routes === undefined ? {} : { routes });
      expect(await checkAll([{ run: runOf() }], {}, target)).toMatchObject({
        verdict: "pass",
        reason: expect.stringContaining("production has no earlier release to go back to") as unknown,
      });
    }
  });

  it("is undecided when it is not known what is live here", async () => {
    const target = createFakeTarget({ routes: [{ release: "v1", percent: 100 }] });
    target.failNext("traffic", "before", "TARGET_UNREACHABLE");
    expect(await checkAll([rehearsal(went())], {}, target)).toMatchObject({
      verdict: "unknown",
      reason: expect.stringContaining("it is not known to which release production would go back") as unknown,
    });
  });
});
