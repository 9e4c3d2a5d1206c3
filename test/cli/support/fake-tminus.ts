import type { OverdueItem } from "../../../src/model/attestation.ts";
import type { FollowUp } from "../../../src/model/follow-up.ts";
import type { AnchorReading, AuditRecord } from "../../../src/model/audit.ts";
import { TminusError } from "../../../src/errors.ts";
import type { Emergency } from "../../../src/model/emergency.ts";
import type { DeclaredFreeze } from "../../../src/model/freeze.ts";
import { uncheckedActor, type Actor } from "../../../src/model/actor.ts";
import type { People } from "../../../src/model/people.ts";
import type { EnvironmentLock } from "../../../src/model/lock.ts";
import type { Override } from "../../../src/model/override.ts";
import type { Plan } from "../../../src/model/plan.ts";
import type { Attempt, Run, RunEvent } from "../../../src/model/run.ts";
import { listedRun, type RunFilter } from "../../../src/model/run-list.ts";
import type { SignalBody } from "../../../src/model/signal.ts";
import type {
  ApprovedBefore,
  DoctorCheck,
  PlanRequest,
  RollbackLine,
  Tminus,
  WatchedStep,
} from "../../../src/model/tminus.ts";
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
  openLock: EnvironmentLock | undefined;
  /** Why no deploy may begin. */
  closedWindow: string | undefined;
  declaredEmergencies: Emergency[];
  declaredFreezes: DeclaredFreeze[];
  unlocked: { id: number; reason: string; actor: string }[];
  activeOverrides: Override[];
  auditRecords: AuditRecord[];
  anchorReading: AnchorReading | undefined;
  watchedSteps: WatchedStep[];
  overdueItems: OverdueItem[];
  openTasks: FollowUp[];
  isClosed: boolean;
  /** Whom every password and token stands for. */
  signedIn: Actor | undefined;
  approvedBefore: ApprovedBefore | undefined;
}

/** Nobody; compose/people.test.ts has the real ones. */
const refuse = async (): Promise<never> => {
  throw new TminusError("PERMISSION_REFUSED", "only an admin may change that");
};
const fakePeople: People = {
  hasUsers: async () => false,
  users: async () => [],
  tokens: async () => [],
  addUser: refuse,
  changeUser: refuse,
  createToken: refuse,
  revokeToken: refuse,
};

/** Newest first; store/run-list.test.ts has the real search. */
function like(runs: readonly Run[], { environment, state, outcome, search, before }: RunFilter): Run[] {
  const from = before === undefined ? 0 : runs.findIndex(({ id }) => id.startsWith(before)) + 1;
  return runs
    .slice(from)
    .filter(
      (run) =>
        (environment === undefined || run.environment === environment) &&
        (state === undefined || run.state === state || (state === "active" && run.state !== "ended")) &&
        (outcome === undefined || run.outcome === outcome) &&
        (search === undefined || run.plan.release.startsWith(search)),
    );
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
    stateDirectory: ".tminus",
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
    openLock: undefined,
    closedWindow: undefined,
    declaredFreezes: [],
    declaredEmergencies: [],
    unlocked: [],
    activeOverrides: [],
    auditRecords: [],
    anchorReading: undefined,
    watchedSteps: [],
    overdueItems: [],
    openTasks: [],
    isClosed: false,
    signedIn: undefined,
    approvedBefore: undefined,
    webSessions: { begin: refuse, find: async () => undefined, end: async () => undefined },
    requests: { begin: async () => undefined, answer: async () => undefined, forget: async () => undefined },
    followAll: async function* () {},
    refusals: async () => ({}),
    tallyRuns: async () => new Map(),
    identify: async (claim) => {
      if (claim.by === "name") return uncheckedActor(claim.name);
      if (fake.signedIn === undefined) throw new TminusError("IDENTITY_REFUSED", "the token is not good");
      return fake.signedIn;
    },
    people: fakePeople,
    changesSinceApproval: async () => fake.approvedBefore,
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
    async start(started, starter) {
      fake.started.push({ plan: started, startedBy: starter.name });
      const run = sampleRun({ plan: started, createdBy: starter.name, starter, state: "queued" });
      fake.runList.unshift(run);
      return run;
    },
    checkWindow: async (planned) => {
      if (fake.closedWindow !== undefined && planned.purpose === "deploy")
        throw new TminusError("WINDOW_CLOSED", `production is ${fake.closedWindow}`);
    },
    checkFreeze: async (environment) => {
      if (fake.closedWindow !== undefined)
        throw new TminusError("WINDOW_CLOSED", `${environment} is ${fake.closedWindow}`);
    },
    windows: async (environment) => ({
      environment,
      standing: { at: "2026-11-27T10:00:00.000Z", isOpen: true, text: "open", closedBy: [], zone: "UTC" },
      openings: [],
      freezes: fake.declaredFreezes,
    }),
    freezes: async () => fake.declaredFreezes,
    async freeze({ reason, environment }, { name: by }) {
      const at = new Date("2026-11-27T10:00:00Z");
      const until = new Date("2026-11-27T14:00:00Z");
      const freeze = {
        id: 7,
        reason,
        by,
        at,
        from: at,
        until,
        ...(environment === undefined ? {} : { environment }),
      };
      fake.declaredFreezes.push(freeze);
      return freeze;
    },
    async thaw(freeze) {
      fake.declaredFreezes = fake.declaredFreezes.filter(({ id }) => id !== freeze.id);
      return true;
    },
    async declareEmergency({ environment, reason }, { name }) {
      const at = new Date("2026-11-27T10:00:00Z");
      const made = { id: 3, environment, reason, by: name, at, until: new Date("2026-11-27T12:00:00Z") };
      fake.declaredEmergencies.push(made);
      return made;
    },
    emergencies: async () => fake.declaredEmergencies,
    endEmergencies: async () => fake.declaredEmergencies.splice(0).length,
    followUps: async () => fake.openTasks,
    closeFollowUp: async () => true,
    mergeBack: async ({ into }) => ({
      branch: "hotfix/x",
      commit: "a".repeat(40),
      targets: into.map((branch) =>
        branch === "gone"
          ? { branch, state: "refused", reason: "origin has no branch gone" }
          : { branch, state: "opened", url: "https://github.example/7" },
      ),
    }),
    exportWindows: async () => "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    watched: async (_, stepId) =>
      fake.watchedSteps.filter((step) => stepId === undefined || step.stepId === stepId),
    sources: async () => ({
      prom: { kind: "prometheus", settings: { url: "http://127.0.0.1:9090", queries: sampleQueries } },
    }),
    previewRollback: async () => fake.rollbackLines,
    async ensureWorker() {
      fake.workersAsked++;
    },
    findRun: async (id, environment) => find(id, environment),
    activeRuns: async (environment) =>
      fake.runList.filter((run) => run.environment === environment && run.state !== "ended").reverse(),
    runs: async ({ limit, ...filter }) => like(fake.runList, filter).slice(0, limit),
    async listRuns({ limit, ...filter }) {
      const found = like(fake.runList, filter);
      return { runs: found.slice(0, limit).map(listedRun), hasOlder: found.length > limit };
    },
    endedDeploys: async () => [],
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
      fake.sent.push({ runId, body, actor: actor.name });
    },
    lease: async () => undefined,
    lock: async () => fake.openLock,
    async unlock(lock, reason, actor) {
      const isOpen = fake.openLock?.id === lock.id;
      if (isOpen) fake.openLock = undefined;
      fake.unlocked.push({ id: lock.id, reason, actor: actor.name });
      return isOpen;
    },
    environment: (name) => ({ name, protected: plan.environment.protected }),
    async override({ forMs, ...wanted }, actor) {
      const at = new Date("2026-11-21T10:00:00Z");
      const made = {
        id: 1,
        ...wanted,
        by: actor.name,
        identity: actor,
        at,
        until: new Date(at.getTime() + forMs),
      };
      fake.activeOverrides.push(made);
      return made;
    },
    overrides: async () => fake.activeOverrides,
    permit: async () => undefined,
    async endOverrides(_environment, gate) {
      const left = fake.activeOverrides.filter((one) => one.gate !== gate);
      const ended = fake.activeOverrides.length - left.length;
      fake.activeOverrides = left;
      return ended;
    },
    sign: async (payloadType, payload) => ({ envelope: { payloadType, payload }, publicKey: "PUBLIC" }),
    signingKey: async () => ({ publicKey: "PUBLIC\n", from: ".tminus/audit-key.pem", isNew: true }),
    anchors: async () => fake.anchorReading,
    async *audit() {
      yield* fake.auditRecords;
    },
    evidence: async (sha256) =>
      sha256 === "e".repeat(64)
        ? { mediaType: "text/plain", content: "line one\n\u001b[31mline two\u001b[0m\n" }
        : sha256 === "b".repeat(64)
          ? { mediaType: "image/png", content: Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0) }
          : undefined,
    handIn: async ({ name }) => ({ sha256: "a".repeat(64), name, mediaType: "image/png" }),
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
            overdueItems: fake.overdueItems,
            overdueTasks: fake.openTasks,
            ...(last === undefined ? {} : { last }),
            ...(fake.openLock === undefined ? {} : { lock: fake.openLock }),
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

const sampleQueries = {
  error_rate: { bad: 'http_requests_total{status=~"5.."}', total: "http_requests_total" },
  latency: { buckets: "http_request_duration_seconds_bucket" },
};
