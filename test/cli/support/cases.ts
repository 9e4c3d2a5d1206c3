import { TminusError } from "../../../src/errors.ts";
import type { Run } from "../../../src/model/run.ts";
import { fakeTminus, type FakeTminus } from "./fake-tminus.ts";
import {
  approved,
  beginning,
  blockedPlan,
  eventsOf,
  rolledBack,
  samplePlan,
  sampleRun,
  waitingForApproval,
} from "./sample-run.ts";
import { sampleWatch } from "./sample-watch.ts";

/** Command lines for every command, each with success, failure and blocked where it can have them. */

export const ID = "r0sample0001";
export const protectedPlan = samplePlan({ environment: { ...samplePlan().environment, protected: true } });
const story = eventsOf(...beginning, ...waitingForApproval, ...approved, ...rolledBack);

export function withRun(change: Partial<Run> = {}, more: Partial<FakeTminus> = {}): FakeTminus {
  return fakeTminus(samplePlan(), { runList: [sampleRun(change)], eventsByRun: { [ID]: story }, ...more });
}

export const ended: Partial<Run> = {
  state: "ended",
  outcome: "succeeded",
  endedAt: new Date("2026-11-21T10:05:00Z"),
};
export const atApproval: Partial<Run> = {
  state: "waiting",
  waitingFor: { for: "approval", text: "1 more approval", stepId: "ok" },
};
export const atChecklist: Partial<Run> = {
  state: "waiting",
  waitingFor: { for: "attestation", text: "1 item", stepId: "told" },
};
export const atQuestion: Partial<Run> = {
  state: "waiting",
  waitingFor: { for: "decision", text: "migrate failed", stepId: "migrate" },
};

export interface Case {
  name: string;
  argv: string[];
  tminus: () => FakeTminus;
  exit: number;
  /** In the JSON on stdout. */
  error?: string;
}

export const unavailable = (): FakeTminus => {
  const broken = async (): Promise<never> => {
    throw new TminusError("STATE_UNAVAILABLE", "the state database does not answer");
  };
  return fakeTminus(samplePlan(), {
    findRun: broken,
    runs: broken,
    listRuns: broken,
    status: broken,
    events: broken,
    plan: broken,
    doctor: broken,
    evidence: broken,
  });
};
export const idle = (): FakeTminus => fakeTminus(samplePlan());
const blocked = (): FakeTminus => fakeTminus(blockedPlan());
const ends = (outcome: NonNullable<Run["outcome"]>) => (): FakeTminus =>
  fakeTminus(samplePlan(), { eventsByRun: { [ID]: story }, afterFollow: { state: "ended", outcome } });

export const cases: Case[] = [
  { name: "doctor", argv: ["doctor"], tminus: idle, exit: 0 },
  {
    name: "doctor with a failed check",
    argv: ["doctor"],
    tminus: () =>
      fakeTminus(samplePlan(), {
        checks: [{ id: "edge", verdict: "unknown", text: "no answer", fix: "Start it." }],
      }),
    exit: 1,
  },
  { name: "doctor without a runbook", argv: ["doctor"], tminus: unavailable, exit: 1 },
  { name: "plan", argv: ["plan", "--release", "v2"], tminus: idle, exit: 0 },
  { name: "plan that is blocked", argv: ["plan", "--release", "v2"], tminus: blocked, exit: 3 },
  {
    name: "plan without a state",
    argv: ["plan", "--release", "v2"],
    tminus: unavailable,
    exit: 1,
    error: "STATE_UNAVAILABLE",
  },
  { name: "plan without a release", argv: ["plan"], tminus: idle, exit: 2, error: "USAGE_INVALID" },
  { name: "deploy that succeeds", argv: ["deploy", "--release", "v2"], tminus: ends("succeeded"), exit: 0 },
  { name: "deploy that fails", argv: ["deploy", "--release", "v2"], tminus: ends("failed"), exit: 1 },
  {
    name: "deploy that is rolled back",
    argv: ["deploy", "--release", "v2"],
    tminus: ends("rolled-back"),
    exit: 5,
  },
  { name: "deploy that is stopped", argv: ["deploy", "--release", "v2"], tminus: ends("stopped"), exit: 6 },
  {
    name: "deploy whose rollback fails",
    argv: ["deploy", "--release", "v2"],
    tminus: ends("rollback-failed"),
    exit: 9,
  },
  {
    name: "deploy that is blocked",
    argv: ["deploy", "--release", "v2"],
    tminus: blocked,
    exit: 3,
    error: "PLAN_BLOCKED",
  },
  { name: "deploy of nothing", argv: ["deploy"], tminus: idle, exit: 2, error: "USAGE_INVALID" },
  {
    name: "deploy of a missing plan file",
    argv: ["deploy", "--plan", "no-such-plan.json"],
    tminus: idle,
    exit: 2,
    error: "PLAN_UNREADABLE",
  },
  {
    name: "deploy behind another run with --no-wait",
    argv: ["deploy", "--release", "v2", "--no-wait"],
    tminus: () => withRun(),
    exit: 7,
    error: "LEASE_HELD",
  },
  { name: "deploy that is detached", argv: ["deploy", "--release", "v2", "--detach"], tminus: idle, exit: 0 },
  {
    name: "deploy to a protected environment without a flag",
    argv: ["deploy", "--release", "v2"],
    tminus: () => fakeTminus(protectedPlan),
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "deploy to an unknown environment",
    argv: ["deploy", "--release", "v2", "--env", "prodution"],
    tminus: idle,
    exit: 2,
    error: "ENVIRONMENT_UNKNOWN",
  },
  { name: "status", argv: ["status"], tminus: () => withRun(ended), exit: 0 },
  {
    name: "status while a person is waited for",
    argv: ["status"],
    tminus: () => withRun(atApproval),
    exit: 4,
  },
  {
    name: "status without a state",
    argv: ["status"],
    tminus: unavailable,
    exit: 1,
    error: "STATE_UNAVAILABLE",
  },
  { name: "watch", argv: ["watch"], tminus: () => withRun({}, { afterFollow: ended }), exit: 0 },
  {
    name: "show of a rule",
    argv: ["show", "--rule", "errors"],
    tminus: () => withRun({}, { watchedSteps: [sampleWatch()] }),
    exit: 0,
  },
  {
    name: "show of an unknown rule",
    argv: ["show", "--rule", "erors"],
    tminus: () => withRun({}, { watchedSteps: [sampleWatch()] }),
    exit: 2,
    error: "USAGE_INVALID",
  },
  { name: "watch of no run", argv: ["watch", "r9"], tminus: idle, exit: 2, error: "RUN_UNKNOWN" },
  { name: "wait for the end", argv: ["wait"], tminus: () => withRun(ended), exit: 0 },
  {
    name: "wait for the end of a run that is rolled back",
    argv: ["wait"],
    tminus: () => withRun({ ...ended, outcome: "rolled-back" }),
    exit: 5,
  },
  {
    name: "wait for a person",
    argv: ["wait", "--for", "waiting"],
    tminus: () => withRun(atApproval),
    exit: 0,
  },
  {
    name: "wait for a person in vain",
    argv: ["wait", "--for", "waiting"],
    tminus: () => withRun(ended),
    exit: 1,
  },
  {
    name: "wait until the time is over",
    argv: ["wait", "--timeout", "50ms"],
    tminus: () => withRun({}, { staysOpen: true }),
    exit: 1,
    error: "WAIT_TIMEOUT",
  },
  {
    name: "wait until the time is over while a person is asked",
    argv: ["wait", "--timeout", "50ms"],
    tminus: () => withRun(atApproval, { staysOpen: true }),
    exit: 4,
    error: "WAIT_TIMEOUT",
  },
  { name: "approve", argv: ["approve"], tminus: () => withRun(atApproval), exit: 0 },
  {
    name: "approve of a run that does not wait",
    argv: ["approve"],
    tminus: () => withRun(),
    exit: 2,
    error: "RUN_NOT_WAITING",
  },
  {
    name: "approve of a run that has ended",
    argv: ["approve", ID],
    tminus: () => withRun(ended),
    exit: 2,
    error: "RUN_ENDED",
  },
  { name: "reject", argv: ["reject", "--note", "no"], tminus: () => withRun(atApproval), exit: 0 },
  {
    name: "reject of a run that does not wait",
    argv: ["reject"],
    tminus: () => withRun(),
    exit: 2,
    error: "RUN_NOT_WAITING",
  },
  {
    name: "ack",
    argv: ["ack", "support-told", "--note", "mail sent"],
    tminus: () => withRun(atChecklist),
    exit: 0,
  },
  {
    name: "ack with a file",
    argv: ["ack", "support-told", "--attach", import.meta.filename],
    tminus: () => withRun(atChecklist),
    exit: 0,
  },
  {
    name: "ack with a file that is not there",
    argv: ["ack", "support-told", "--attach", "no-such-file.png"],
    tminus: () => withRun(atChecklist),
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "status with what is overdue",
    argv: ["status"],
    tminus: () =>
      withRun(atChecklist, {
        overdueItems: [{ run: ID, step: "told", item: "support-told", owner: "lena", dueAt: new Date(0) }],
        openTasks: [
          {
            id: 3,
            environment: "production",
            text: "look",
            owner: "max",
            origin: "checklist a/b",
            evidence: "none",
            openedAt: new Date(0),
            dueAt: new Date(1),
          },
        ],
      }),
    exit: 4,
  },
  {
    name: "ack of an unknown item",
    argv: ["ack", "suport-told"],
    tminus: () => withRun(atChecklist),
    exit: 2,
    error: "USAGE_INVALID",
  },
  { name: "hold", argv: ["hold"], tminus: () => withRun(), exit: 0 },
  {
    name: "hold of a run that has ended",
    argv: ["hold"],
    tminus: () => withRun(ended),
    exit: 2,
    error: "RUN_ENDED",
  },
  { name: "resume of a held run", argv: ["resume"], tminus: () => withRun({ state: "held" }), exit: 0 },
  {
    name: "resume without the answer that is asked for",
    argv: ["resume"],
    tminus: () => withRun(atQuestion),
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "resume with an answer",
    argv: ["resume", "--as", "retry"],
    tminus: () => withRun(atQuestion),
    exit: 0,
  },
  {
    name: "resume with an answer that nobody asked for",
    argv: ["resume", "--as", "done"],
    tminus: () => withRun(),
    exit: 2,
    error: "RUN_NOT_WAITING",
  },
  {
    name: "resume that ends a watch early",
    argv: ["resume", "--as", "promote", "--note", "the sale opens"],
    tminus: () => withRun({}, { watchedSteps: [sampleWatch()] }),
    exit: 0,
  },
  {
    name: "resume that ends a watch early where none goes on",
    argv: ["resume", "--as", "promote", "--note", "the sale opens"],
    tminus: () => withRun(),
    exit: 2,
    error: "RUN_NOT_WAITING",
  },
  { name: "abort", argv: ["abort"], tminus: () => withRun(), exit: 0 },
  {
    name: "abort in a protected environment without a flag",
    argv: ["abort"],
    tminus: () => withRun({ plan: protectedPlan }),
    exit: 2,
    error: "USAGE_INVALID",
  },
  { name: "abort of no run", argv: ["abort"], tminus: idle, exit: 2, error: "RUN_UNKNOWN" },
  {
    name: "rollback of the active run",
    argv: ["rollback"],
    tminus: () => withRun({}, { afterFollow: { state: "ended", outcome: "rolled-back" } }),
    exit: 0,
  },
  {
    name: "rollback of the active run that fails",
    argv: ["rollback"],
    tminus: () => withRun({}, { afterFollow: { state: "ended", outcome: "rollback-failed" } }),
    exit: 9,
  },
  {
    name: "rollback to an earlier release",
    argv: ["rollback", "--to", "v1"],
    tminus: ends("succeeded"),
    exit: 0,
  },
  {
    name: "rollback that is blocked",
    argv: ["rollback", "--to", "v1"],
    tminus: blocked,
    exit: 3,
    error: "PLAN_BLOCKED",
  },
  { name: "rollback to nowhere", argv: ["rollback"], tminus: idle, exit: 2, error: "USAGE_INVALID" },
  { name: "show", argv: ["show"], tminus: () => withRun(ended), exit: 0 },
  { name: "show of a step", argv: ["show", "--step", "migrate"], tminus: () => withRun(ended), exit: 0 },
  {
    name: "show of an unknown step",
    argv: ["show", "--step", "migrat"],
    tminus: () => withRun(ended),
    exit: 2,
    error: "USAGE_INVALID",
  },
  { name: "show of evidence", argv: ["show", "--evidence", "e".repeat(64)], tminus: idle, exit: 0 },
  {
    name: "show of unknown evidence",
    argv: ["show", "--evidence", "f".repeat(64)],
    tminus: idle,
    exit: 2,
    error: "USAGE_INVALID",
  },
  { name: "show in Markdown", argv: ["show", "--markdown"], tminus: () => withRun(ended), exit: 0 },
  { name: "show of no run", argv: ["show"], tminus: idle, exit: 2, error: "RUN_UNKNOWN" },
  { name: "explain", argv: ["explain"], tminus: unavailable, exit: 0 },
  { name: "explain of a code", argv: ["explain", "PLAN_STALE"], tminus: unavailable, exit: 0 },
  {
    name: "explain of an unknown code",
    argv: ["explain", "PLAN_STALLED"],
    tminus: unavailable,
    exit: 2,
    error: "USAGE_INVALID",
  },
  { name: "an unknown command", argv: ["stauts"], tminus: idle, exit: 2, error: "USAGE_INVALID" },
  { name: "an unknown option", argv: ["status", "--al"], tminus: idle, exit: 2, error: "USAGE_INVALID" },
  { name: "--version", argv: ["--version"], tminus: unavailable, exit: 0 },
  { name: "--help", argv: ["deploy", "--help"], tminus: unavailable, exit: 0 },
];
