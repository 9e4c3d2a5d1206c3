import { describe, expect, it } from "vitest";
import { emergencyRunbook, leftOutResults } from "../../src/plan/emergency-runbook.ts";
import { resolveRunbook, type ResolvedRunbook } from "../../src/runbook/resolve.ts";
import { runbookSchema } from "../../src/model/runbook.ts";

const EMERGENCY = {
  id: 3,
  environment: "production",
  by: "ann",
  reason: "checkout is down",
  at: new Date("2026-11-27T10:00:00Z"),
  until: new Date("2026-11-27T12:00:00Z"),
};

function resolved(watch: object): ResolvedRunbook {
  const runbook = runbookSchema.parse({
    version: 1,
    project: "shop",
    environments: { production: { url: "https://shop.example", target: { kind: "local" } } },
    gates: ["unit", "critical"].map((id) => ({ id, kind: "command", with: { run: ["true"] } })),
    stages: [
      { id: "ready", steps: [{ id: "told", kind: "checklist" }] },
      {
        id: "go",
        steps: [
          { id: "sure", kind: "checklist" },
          { id: "watch-canary", kind: "watch", with: { duration: "5m" } },
          { id: "all", kind: "app.shift" },
          { id: "watch-all", kind: "watch", timeout: "1h", with: watch },
          { id: "approval", kind: "approve" },
        ],
      },
    ],
  });
  return resolveRunbook(runbook, { environment: "production", release: "v2" });
}

function stepsIn({ stages }: ResolvedRunbook): [string, unknown, unknown][] {
  return stages.flatMap(({ steps }) =>
    steps.map(({ id, with: settings, timeoutMs }): [string, unknown, unknown] => [id, settings, timeoutMs]),
  );
}

describe("a runbook in an emergency", () => {
  it("keeps the gates and checklists that it names and everything else, and names what is left out", () => {
    const { runbook, planned, gates } = emergencyRunbook(
      resolved({ duration: "30m", every: "10s" }),
      { keep: ["critical", "sure"], watch: "2h" },
      EMERGENCY,
    );
    expect(runbook.gates.map(({ id }) => id)).toEqual(["critical"]);
    expect(stepsIn(runbook)).toEqual([
      ["sure", {}, undefined],
      ["watch-canary", { duration: "5m" }, undefined],
      ["all", {}, undefined],
      ["watch-all", { duration: "2h", every: "10s" }, undefined],
      ["approval", {}, undefined],
    ]);
    expect(planned).toEqual({
      id: 3,
      by: "ann",
      reason: "checkout is down",
      until: "2026-11-27T12:00:00.000Z",
      leftOut: ["unit", "told"],
    });
    expect(leftOutResults({ gates, planned })).toMatchObject([
      { id: "unit", verdict: "waived", waiver: { by: "ann", verdict: "unknown" } },
    ]);
  });

  it("never shortens the last watch, and makes the last of its stages longer", () => {
    const watchOf = (watch: object): unknown => {
      const { runbook } = emergencyRunbook(resolved(watch), { keep: [], watch: "2h" }, EMERGENCY);
      return stepsIn(runbook).find(([id]) => id === "watch-all")?.[1];
    };
    expect(watchOf({ duration: "1d" })).toEqual({ duration: "1d" });
    const stages = [
      { name: "soon", until: "5m", every: "15s" },
      { name: "late", until: "30m", every: "1m" },
    ];
    expect(watchOf({ stages })).toEqual({ stages: [stages[0], { ...stages[1], until: "2h" }] });
  });
});
