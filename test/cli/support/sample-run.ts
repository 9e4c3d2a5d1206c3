import { uncheckedActor } from "../../../src/model/actor.ts";
import { planHash } from "../../../src/model/plan-hash.ts";
import type { JsonObject } from "../../../src/model/json.ts";
import type { Plan, PlannedStep } from "../../../src/model/plan.ts";
import type { EventType, Run, RunEvent } from "../../../src/model/run.ts";

/** A plan, runs and events that tests of the command line and of reports share. */

const START = new Date("2026-11-21T10:00:00.000Z");

export function at(seconds: number): Date {
  return new Date(START.getTime() + seconds * 1000);
}

export function samplePlan(change: Partial<Plan> = {}): Plan {
  const content: Omit<Plan, "hash" | "createdAt"> = {
    protocol: 1,
    project: "shop",
    purpose: "deploy",
    release: "v2",
    previousRelease: "v1",
    live: [{ release: "v1", percent: 100 }],
    endRelease: "v2",
    environment: {
      name: "production",
      url: "https://shop.example.com",
      protected: false,
      targetKind: "local",
      database: "env:DATABASE_URL",
    },
    rollback: { automatic: true, database: "keep", cureMs: 30_000 },
    inputs: [
      { name: "release files of v2", digest: "a".repeat(64) },
      { name: "live traffic", digest: "v1 100" },
    ],
    gates: [
      {
        id: "tests",
        kind: "command",
        title: "Unit tests",
        verdict: "pass",
        reason: "exit code 0",
        durationMs: 4200,
      },
    ],
    stages: [
      {
        id: "database",
        title: "Database",
        risk: "medium",
        success: ["every migration is recorded"],
        steps: [migrate, approve, checklist],
      },
      {
        id: "application",
        title: "Application",
        risk: "high",
        success: [],
        steps: [deploy, canary, announce],
      },
    ],
    blocked: [],
    ...change,
  };
  return { ...content, hash: planHash(content), createdAt: START.toISOString() };
}

export function blockedPlan(): Plan {
  return samplePlan({
    gates: [
      {
        id: "tests",
        kind: "command",
        title: "Unit tests",
        verdict: "fail",
        reason: "exit code 1",
        fix: "run npm test and repair what fails",
        durationMs: 900,
      },
      {
        id: "up",
        kind: "url.healthy",
        title: "up",
        verdict: "unknown",
        reason: "no answer within 5 s",
        durationMs: 5000,
      },
    ],
    blocked: [
      { where: "gate tests", reason: "exit code 1", fix: "run npm test and repair what fails" },
      { where: "step migrate", reason: "0002_orders.sql was edited", fix: "restore the file that ran" },
    ],
  });
}

export function sampleRun(change: Partial<Run> = {}): Run {
  return {
    id: "r0sample0001",
    environment: "production",
    plan: samplePlan(),
    state: "running",
    createdAt: START,
    createdBy: "mia",
    starter: uncheckedActor("mia"),
    startedAt: at(1),
    ...change,
  };
}

/** Events of a run: type, data, seconds after the start, actor. */
export function eventsOf(...rows: [EventType, JsonObject, number, string?][]): RunEvent[] {
  return rows.map(([type, data, seconds, actor = "tminus"], index) => ({
    runId: "r0sample0001",
    sequence: index + 1,
    at: at(seconds),
    type,
    actor,
    data,
    hash: "0".repeat(64),
  }));
}

/** The beginning of every story: created, taken, started, the migration done. */
export const beginning: [EventType, JsonObject, number, string?][] = [
  ["run.created", { environment: "production", release: "v2", plan: "p" }, 0, "mia"],
  ["run.taken", { token: 1, worker: "w1" }, 1],
  ["run.started", { release: "v2" }, 1],
  ["stage.started", { stage: "database", title: "Database" }, 1],
  ["step.begun", { stepId: "migrate", kind: "db.migrate", title: "migrate" }, 1],
  ["step.progress", { stepId: "migrate", text: "1 of 2 files" }, 2],
  [
    "step.done",
    { stepId: "migrate", reason: "2 migrations applied", evidence: { output: "e".repeat(64) } },
    4,
  ],
];

export const waitingForApproval: [EventType, JsonObject, number, string?][] = [
  ["step.begun", { stepId: "ok", kind: "approve", title: "Second pair of eyes" }, 4],
  ["step.waiting", { stepId: "ok", for: "approval", text: "1 more approval is needed for plan 12ab" }, 4],
];

export const approved: [EventType, JsonObject, number, string?][] = [
  ["signal.received", { kind: "approve", stepId: "ok", planHash: "p", note: "looks good" }, 60, "ben"],
  ["step.continued", { stepId: "ok" }, 60],
  ["step.done", { stepId: "ok", reason: "approved by ben", evidence: {} }, 60],
  ["step.begun", { stepId: "told", kind: "checklist", title: "told" }, 60],
  ["step.done", { stepId: "told", reason: "1 item attested", evidence: {} }, 61],
  ["stage.ended", { stage: "database" }, 61],
];

export const rolledBack: [EventType, JsonObject, number, string?][] = [
  ["stage.started", { stage: "application", title: "Application" }, 61],
  ["step.begun", { stepId: "deploy", kind: "app.deploy", title: "deploy" }, 61],
  ["step.done", { stepId: "deploy", reason: "staged as web-1 and healthy", evidence: {} }, 64],
  ["step.begun", { stepId: "canary", kind: "app.shift", title: "canary" }, 64],
  ["step.progress", { stepId: "canary", text: "12 of 240 requests failed" }, 70],
  ["step.failed", { stepId: "canary", reason: "error rate 5 % is above 1 % for 10 s", evidence: {} }, 76],
  [
    "run.verdict",
    {
      decision: "roll-back",
      reason: "error rate 5 % is above 1 % for 10 s",
      stepId: "canary",
      by: "tminus",
      at: at(76).toISOString(),
    },
    76,
  ],
  ["undo.begun", { stepId: "canary", kind: "app.shift", title: "canary" }, 76],
  ["undo.done", { stepId: "canary", reason: "traffic back to v1", evidence: {} }, 77],
  ["undo.begun", { stepId: "deploy", kind: "app.deploy", title: "deploy" }, 77],
  ["undo.done", { stepId: "deploy", reason: "web-1 stopped", evidence: {} }, 78],
  ["undo.skipped", { stepId: "migrate", reason: "the schema stays: 2 migrations remain applied" }, 78],
  ["run.cure", { verdict: "pass", reason: "120 probes answered well", evidence: {} }, 108],
  [
    "run.ended",
    {
      outcome: "rolled-back",
      endState: {
        verdict: "verified",
        release: "v1",
        reason: "https://shop.example.com answered 3 times in a row with v1",
        at: at(109).toISOString(),
      },
      reason: "error rate 5 % is above 1 % for 10 s",
      undone: ["canary", "deploy"],
      kept: [{ stepId: "migrate", reason: "the schema stays: 2 migrations remain applied" }],
      notUndone: [],
      cure: "pass",
    },
    109,
  ],
];

export const succeeded: [EventType, JsonObject, number, string?][] = [
  ["stage.started", { stage: "application", title: "Application" }, 61],
  ["step.begun", { stepId: "deploy", kind: "app.deploy", title: "deploy" }, 61],
  ["step.done", { stepId: "deploy", reason: "staged as web-1 and healthy", evidence: {} }, 64],
  ["step.begun", { stepId: "canary", kind: "app.shift", title: "canary" }, 64],
  ["step.done", { stepId: "canary", reason: "25 % to v2", evidence: {} }, 65],
  ["step.begun", { stepId: "announce", kind: "notify", title: "announce" }, 65],
  ["step.done", { stepId: "announce", reason: "told ops", evidence: {} }, 66],
  [
    "run.ended",
    {
      outcome: "succeeded",
      endState: {
        verdict: "verified",
        release: "v2",
        reason: "answered 3 times in a row with v2",
        at: at(120).toISOString(),
      },
    },
    120,
  ],
];

const common = { kindVersion: 1, facts: null, timeoutMs: 60_000, onFailure: "rollback" } as const;

const migrate: PlannedStep = {
  ...common,
  id: "migrate",
  kind: "db.migrate",
  title: "migrate",
  stage: "database",
  with: {},
  summary: ["applies 0001_users.sql", "applies 0002_orders.sql"],
  risk: "medium",
  durationMs: 2000,
  onFailure: "hold",
  undo: { how: "irreversible", text: "the schema stays; rollback.database is keep" },
};

const approve: PlannedStep = {
  ...common,
  id: "ok",
  kind: "approve",
  title: "Second pair of eyes",
  stage: "database",
  with: { count: 1 },
  summary: ["waits for 1 approval"],
  risk: "low",
  durationMs: 0,
  undo: { how: "none-needed", text: "an approval changes nothing" },
};

const checklist: PlannedStep = {
  ...common,
  id: "told",
  kind: "checklist",
  title: "told",
  stage: "database",
  with: { items: [{ id: "support-told", text: "Support knows" }] },
  summary: ["asks for support-told: Support knows"],
  risk: "low",
  durationMs: 0,
  undo: { how: "none-needed", text: "attestations change nothing" },
};

const deploy: PlannedStep = {
  ...common,
  id: "deploy",
  kind: "app.deploy",
  title: "deploy",
  stage: "application",
  with: {},
  summary: ["starts v2 without traffic"],
  risk: "low",
  durationMs: 3000,
  offsetMs: 0,
  undo: { how: "undo", text: "v2 is stopped" },
};

const canary: PlannedStep = {
  ...common,
  id: "canary",
  kind: "app.shift",
  title: "canary",
  stage: "application",
  with: { percent: 25 },
  summary: ["25 % of the traffic goes to v2"],
  risk: "high",
  durationMs: 1000,
  undo: { how: "undo", text: "traffic back to v1 at once", loss: "sessions of v2" },
};

const announce: PlannedStep = {
  ...common,
  id: "announce",
  kind: "notify",
  title: "announce",
  stage: "application",
  with: {},
  summary: ["tells ops"],
  risk: "low",
  durationMs: 0,
  offsetMs: 900_000,
  undo: { how: "none-needed", text: "what was said cannot be unsaid" },
};
