import { expect, it } from "vitest";
import { waive } from "../../src/gates/waive.ts";
import type { Override } from "../../src/model/override.ts";
import type { GateResult } from "../../src/model/plan.ts";

const result = (id: string, verdict: GateResult["verdict"]): GateResult => ({
  id,
  kind: "command",
  title: id,
  verdict,
  reason: "exit code 1",
  fix: "mend it",
  durationMs: 1,
});
const override = (gate: string, by: string): Override => ({
  id: 1,
  environment: "production",
  gate,
  by,
  reason: "known",
  at: new Date("2026-01-01T10:00:00Z"),
  until: new Date("2026-01-01T12:00:00Z"),
});

it("waives what did not pass, keeps what it had said, and leaves every other gate as it is", () => {
  const results = [
    result("tests", "fail"),
    result("audit", "unknown"),
    result("clean", "pass"),
    result("e2e", "fail"),
  ];
  const overrides = [
    override("tests", "ann"),
    override("audit", "ann"),
    override("clean", "ann"),
    override("tests", "bob"),
  ];
  const waiver = { reason: "known", until: "2026-01-01T12:00:00.000Z" };
  expect(waive(results, overrides)).toEqual([
    { ...results[0], verdict: "waived", waiver: { ...waiver, by: "bob", verdict: "fail" } },
    { ...results[1], verdict: "waived", waiver: { ...waiver, by: "ann", verdict: "unknown" } },
    results[2],
    results[3],
  ]);
});
