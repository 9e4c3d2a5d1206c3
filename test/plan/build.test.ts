import { describe, expect, it } from "vitest";
import { planHash } from "../../src/model/plan-hash.ts";
import { planSchema, type GateResult, type Plan } from "../../src/model/plan.ts";
import type { Facts, PlanSource } from "../../src/plan/facts.ts";
import { buildPlan } from "../../src/plan/build.ts";
import { factsOf, planSource, resolvedRunbook, resolvedStep, sampleKind } from "./source.ts";

const NOW = new Date("2026-01-02T03:04:05Z");
const GATE: GateResult = { id: "g", kind: "k", title: "G", verdict: "pass", reason: "fine", durationMs: 7 };
const WAIVED: GateResult = {
  ...GATE,
  verdict: "waived",
  waiver: { by: "ann", reason: "known", until: "2026-01-02T05:00:00Z", verdict: "fail" },
};
const runbook = resolvedRunbook([
  [resolvedStep("a", { offsetMs: -60_000, with: { x: 1 } })],
  [resolvedStep("b", { timeoutMs: 9000, onFailure: "hold" })],
]);

function build(
  source: PlanSource = planSource(runbook),
  facts: Facts = factsOf(source.runbook),
  kind = sampleKind(),
  now = NOW,
): Plan {
  return buildPlan(source, facts, (name) => (name === "sample" ? kind : undefined), now);
}

describe("buildPlan", () => {
  it("gives this plan for this runbook and these facts", async () => {
    const plan = build(planSource(runbook), factsOf(runbook, { gates: [GATE] }));
    expect(planSchema.parse(plan)).toEqual(plan);
    await expect(`${JSON.stringify(plan, null, 2)}\n`).toMatchFileSnapshot("goldens/plan.txt");
  });

  it("gives the same hash for the same world at another time, whatever the gates say beside their verdicts", () => {
    const one = build(planSource(runbook), factsOf(runbook, { gates: [GATE] }));
    const facts = factsOf(runbook, {
      gates: [{ ...GATE, reason: "fine for 6 days", evidence: { days: 6 }, durationMs: 900 }],
    });
    const other = build(planSource(runbook), facts, sampleKind(), new Date(0));
    expect(other.hash).toBe(one.hash);
    expect(other.createdAt).not.toBe(one.createdAt);
    expect(planHash(one)).toBe(one.hash);
  });

  it("gives another hash for each thing that the run would do differently", () => {
    const changes: Plan[] = [
      build(planSource(resolvedRunbook([[resolvedStep("a")], [resolvedStep("b")]]))),
      build(planSource({ ...runbook, release: "v3" })),
      build(planSource({ ...runbook, rollback: { ...runbook.rollback, database: "down" } })),
      build(planSource({ ...runbook, rollback: { ...runbook.rollback, automatic: false } })),
      build(planSource(runbook, { purpose: "rollback" })),
      build(planSource(runbook, { live: { routes: [{ release: "v0", percent: 100 }], blocked: [] } })),
      build(planSource(runbook, { inputs: [{ name: "runbook", digest: "b".repeat(64) }] })),
      build(planSource(runbook), factsOf(runbook), sampleKind({ version: 4 })),
      build(
        planSource(runbook),
        factsOf(runbook),
        sampleKind({}, { undo: { how: "irreversible", text: "x" } }),
      ),
      build(
        planSource(runbook),
        factsOf(runbook),
        sampleKind({}, { inputs: [{ name: "files", digest: "1" }] }),
      ),
      build(planSource(runbook), factsOf(runbook, { gates: [GATE] })),
      build(planSource(runbook), factsOf(runbook, { gates: [{ ...GATE, verdict: "unknown" }] })),
      build(planSource(runbook), factsOf(runbook, { gates: [WAIVED] })),
      build(
        planSource(runbook),
        factsOf(runbook, { gates: [{ ...WAIVED, waiver: { ...WAIVED.waiver!, by: "bob" } }] }),
      ),
    ];
    const hashes = [build(), ...changes].map(({ hash }) => hash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it("is not blocked by a gate that a person waived", () => {
    expect(build(planSource(runbook), factsOf(runbook, { gates: [WAIVED] })).blocked).toEqual([]);
  });

  it("is blocked by what did not pass, could not be found out or is not known, each with where and what to do", () => {
    const source = planSource(
      resolvedRunbook([[resolvedStep("a"), resolvedStep("b"), resolvedStep("c", { kind: "gone" })]]),
      {
        live: { routes: [], blocked: [{ where: "target", reason: "silent", fix: "look" }] },
      },
    );
    const facts = factsOf(source.runbook, {
      gates: [
        GATE,
        { ...GATE, id: "bad", verdict: "fail", fix: "mend" },
        { ...GATE, id: "dark", verdict: "unknown" },
      ],
    });
    facts.steps.b = { state: "failed", reason: "no database", hint: "start it" };
    const kind = sampleKind({}, { blocked: [{ reason: "too large" }] });
    const plan = build(source, facts, kind);
    expect(plan.blocked).toEqual([
      { where: "target", reason: "silent", fix: "look" },
      { where: "gate bad", reason: "fine", fix: "mend" },
      { where: "gate dark", reason: "fine" },
      { where: "step a", reason: "too large" },
      { where: "step b", reason: "no database", fix: "start it" },
      { where: "step c", reason: "there is no step kind gone" },
    ]);
    expect(plan.stages[0]?.steps.map(({ id }) => id)).toEqual(["a"]);
  });

  it("tells each step which run before it", () => {
    const before: (readonly string[])[] = [];
    const kind = sampleKind();
    const plan = kind.plan;
    kind.plan = (input) => {
      before.push(input.stepsBefore);
      return plan(input);
    };
    const steps = [[resolvedStep("a")], [resolvedStep("b"), resolvedStep("c")]];
    build(planSource(resolvedRunbook(steps)), undefined, kind);
    expect(before).toEqual([[], ["a"], ["a", "b"]]);
  });

  it("ends with the release only when the last shift gives it everything", () => {
    const percents = (...each: number[]): string | undefined => {
      let index = 0;
      const steps = each.map((_, at) => resolvedStep(`s${at}`));
      const kind = sampleKind();
      const plan = kind.plan;
      kind.plan = (input) => ({ ...plan(input), trafficPercent: each[index++]! });
      return build(planSource(resolvedRunbook([steps])), undefined, kind).endRelease;
    };
    expect([percents(10, 100), percents(100, 50), percents()]).toEqual(["v2", undefined, undefined]);
  });

  it("lists an input that several steps have once", () => {
    const plan = build(undefined, undefined, sampleKind({}, { inputs: [{ name: "files", digest: "1" }] }));
    expect(plan.inputs.map(({ name }) => name)).toEqual(["runbook", "live traffic", "files"]);
  });
});
