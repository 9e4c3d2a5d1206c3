import type { EnvironmentLock } from "../../../src/model/lock.ts";
import type { Run } from "../../../src/model/run.ts";
import { ended, ID, protectedPlan, withRun, type Case } from "./cases.ts";
import { fakeTminus, type FakeTminus } from "./fake-tminus.ts";
import { samplePlan } from "./sample-run.ts";

const lock: EnvironmentLock = {
  id: 7,
  environment: "production",
  runId: ID,
  release: "v2",
  stepId: "canary",
  reason: "8 % of requests failed",
  hadTraffic: true,
  at: new Date("2026-11-21T10:02:00Z"),
};
/** How a deploy ends that had waited for an environment which was locked meanwhile. */
export const lockedRun: Partial<Run> = {
  state: "ended",
  outcome: "failed",
  verdict: { decision: "fail", code: "ENVIRONMENT_LOCKED", reason: "locked", by: "tminus", at: "" },
};
/** After a run was rolled back by itself. */
export function locked(isProtected = false): FakeTminus {
  const plan = isProtected ? protectedPlan : samplePlan();
  return withRun({ ...ended, outcome: "rolled-back", plan }, { openLock: { ...lock } });
}

export const unlockCases: Case[] = [
  { name: "status of a locked environment", argv: ["status"], tminus: () => locked(), exit: 0 },
  { name: "unlock", argv: ["unlock", "production", "--reason", "fixed"], tminus: () => locked(), exit: 0 },
  {
    name: "unlock of what is not locked",
    argv: ["unlock", "production", "--reason", "fixed"],
    tminus: () => fakeTminus(samplePlan()),
    exit: 0,
  },
  {
    name: "unlock in a protected environment without a flag",
    argv: ["unlock", "production", "--reason", "fixed"],
    tminus: () => locked(true),
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "unlock without a reason",
    argv: ["unlock", "production"],
    tminus: () => locked(),
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "unlock with an empty reason",
    argv: ["unlock", "production", "--reason", " "],
    tminus: () => locked(),
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "unlock of another environment than --env names",
    argv: ["unlock", "production", "--reason", "fixed", "--env", "staging"],
    tminus: () => locked(),
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "unlock of an unknown environment",
    argv: ["unlock", "prodution", "--reason", "fixed"],
    tminus: () => locked(),
    exit: 2,
    error: "ENVIRONMENT_UNKNOWN",
  },
];
