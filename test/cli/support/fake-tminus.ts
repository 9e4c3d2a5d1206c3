import { TminusError } from "../../../src/errors.ts";
import type { Plan } from "../../../src/model/plan.ts";
import type { Attempt, Run, RunEvent } from "../../../src/model/run.ts";
import type { SignalBody } from "../../../src/model/signal.ts";
import type { DoctorCheck, PlanRequest, RollbackLine, Tminus } from "../../../src/model/tminus.ts";
import { sampleRun } from "./sample-run.ts";

export interface FakeTminus extends Tminus {
  /** Newest first. */
  runList: Run[];
  eventsByRun: Record<string, RunEvent[]>;
  attemptList: Attempt[];
  checks: DoctorCheck[];
  plans: PlanRequest[];
  sent: { runId: string; body: SignalBody; actor: string }[];
  started: { plan: Plan; startedBy: string }[];
  /** What the next calls answer. */
  nextPlan: Plan;
  /** What has all traffic when a rollback is planned. */
  liveRelease: string;
  /** Applied to the run when its events have been followed to their end. */
  afterFollow: Partial<Run>;
  /** A feed that stays open after its last event, until it is aborted. */
  staysOpen: boolean;
  stale: boolean;
  workersAsked: number;
  rollbackLines: RollbackLine[];
  isClosed: boolean;
}

/** The facade in memory, with no engine behind it: events are the ones given. */
export function fakeTminus(plan: Plan, change: Partial<FakeTminus> = {}): FakeTminus {
  const find = (id: string | undefined, environment?: string): Run => {
    const run = fake.runList.find(
      (item) =>
        (id === undefined || item.id.startsWith(id)) &&
        (environment === undefined || item.environment === environment),
    );
    if (run === undefined) throw new TminusError("RUN_UNKNOWN", `there is no run ${id ?? "yet"}`);
    return run;
  };
  const fake: FakeTminus = {
    project: "shop",
    environments: ["production"],
    runList: [],
    eventsByRun: {},
    attemptList: [],
    checks: [{ id: "state", verdict: "pass", text: "the state database answers" }],
    plans: [],
    sent: [],
    started: [],
    nextPlan: plan,
    liveRelease: "v9",
    afterFollow: {},
    staysOpen: false,
    stale: false,
    workersAsked: 0,
    rollbackLines: [],
    isClosed: false,
    async plan(request) {
      fake.plans.push(request);
      const { purpose, release } = request;
      // Whoever rolls back comes from another release.
      const live = purpose === "rollback" ? { live: [{ release: fake.liveRelease, percent: 100 }] } : {};
      return { ...fake.nextPlan, ...live, purpose, release };
    },
    async checkPlan() {
      if (fake.stale)
        throw new TminusError("PLAN_STALE", "the plan is stale", {
          details: { moved: ["live traffic (was v1, is v9)"] },
        });
    },
    async start(started, startedBy) {
      fake.started.push({ plan: started, startedBy });
      const run = sampleRun({ plan: started, createdBy: startedBy, state: "queued" });
      fake.runList.unshift(run);
      return run;
    },
    previewRollback: async () => fake.rollbackLines,
    async ensureWorker() {
      fake.workersAsked++;
    },
    findRun: async (id, environment) => find(id, environment),
    runs: async ({ environment, limit }) =>
      fake.runList
        .filter((run) => environment === undefined || run.environment === environment)
        .slice(0, limit),
    attempts: async () => fake.attemptList,
    events: async (runId, after) =>
      (fake.eventsByRun[runId] ?? []).filter(({ sequence }) => sequence > after),
    async *follow(runId, after, signal) {
      for (const event of await fake.events(runId, after)) yield event;
      if (fake.staysOpen) {
        await new Promise<void>((resolve) => {
          if (signal.aborted) resolve();
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
        return;
      }
      Object.assign(find(runId), fake.afterFollow);
    },
    async send(runId, body, actor) {
      const run = find(runId);
      if (run.state === "ended") throw new TminusError("RUN_ENDED", `run ${runId} ended`);
      fake.sent.push({ runId, body, actor });
    },
    lease: async () => undefined,
    evidence: async (sha256) =>
      sha256 === "e".repeat(64) ? "line one\n\u001b[31mline two\u001b[0m\n" : undefined,
    status: async (environment) =>
      fake.environments
        .filter((name) => environment === undefined || name === environment)
        .map((name) => {
          const runs = fake.runList.filter((run) => run.environment === name);
          const last = runs.find(({ state }) => state === "ended");
          return {
            environment: name,
            url: "https://shop.example.com",
            traffic: {
              state: "present",
              value: { generation: 3, routes: [{ release: "v1", percent: 100 }] },
            },
            active: runs.filter(({ state }) => state !== "ended").reverse(),
            ...(last === undefined ? {} : { last }),
          };
        }),
    doctor: async () => fake.checks,
    async close() {
      fake.isClosed = true;
    },
    ...change,
  };
  return fake;
}
