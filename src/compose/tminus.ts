import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { deadline, systemClock, whenAborted } from "../lib/clock.ts";
import { definedOnly } from "../lib/defined-only.ts";
import { newRunId } from "../lib/id.ts";
import { programFile } from "../lib/program-file.ts";
import { spawnDetached } from "../lib/process.ts";
import { Redactor } from "../lib/redact.ts";
import { TminusError } from "../errors.ts";
import { whyNotByOwnWord } from "../model/own-word.ts";
import type { Plan, Schedule } from "../model/plan.ts";
import type { RunEvent } from "../model/run.ts";
import type { EnvironmentStatus, PlanRequest, Tminus } from "../model/tminus.ts";
import { planHash } from "../model/plan-hash.ts";
import { asMeasuredBefore } from "../plan/as-measured-before.ts";
import { movedInputs } from "../plan/moved-inputs.ts";
import { stepKinds } from "../steps/registry.ts";
import { readAudit } from "../store/audit.ts";
import { openRequestLog } from "../store/api-requests.ts";
import { readLock, unlock } from "../store/locks.ts";
import { endOverrides } from "../store/overrides.ts";
import { resolveEnvironment, type ResolvedEnvironment } from "../runbook/resolve.ts";
import { checkWaivers, findOverrides, overridesOf, override } from "./overrides.ts";
import { openNotifications, type Notifications } from "../store/notifications.ts";
import { hasUsers } from "../store/people.ts";
import { listRuns } from "../store/run-list.ts";
import * as runs from "../store/runs.ts";
import { countLiveWorkers } from "../store/workers.ts";
import { readRules } from "./calendar.ts";
import { checkEmergency, emergencyOf, openEmergencies, openMakingGood } from "./emergencies.ts";
import { openEvidenceCalls, requireKept } from "./evidence.ts";
import { openFollowUpCalls } from "./follow-ups.ts";
import { findLock, lockBlocks, refuseWhenLocked } from "./find-lock.ts";
import { runDoctor } from "./doctor.ts";
import { followAll } from "./feed.ts";
import { openForReading, trafficNow } from "./look.ts";
import { makePlan } from "./make-plan.ts";
import { overdueItems, overdueTasks } from "./overdue.ts";
import { identify, openPeople } from "./people.ts";
import { contextOf, openProject } from "./project.ts";
import { activeRuns, runHistory } from "./run-history.ts";
import { openRunLists } from "./run-lists.ts";
import { runContextSchema, type RunContext } from "./run-context.ts";
import { openSecrets, type Environment } from "./secrets.ts";
import { changesSinceApproval } from "./changes-since-approval.ts";
import { checkSignal, refusals, refuseHiddenStarter } from "./check-signal.ts";
import { requirePermission } from "./require-permission.ts";
import { openState, type State } from "./state.ts";
import { findPool } from "./state-place.ts";
import { beginsAt, readSchedule, refusePast } from "./timeline.ts";
import { openWebSessions } from "./web-sessions.ts";
import { openWindows, refuseWhenClosed, windowForPlan } from "./windows.ts";

const POOL_SIZE = 3;
const FOLLOW_POLL_MS = 1_000;
/** How long the worker that serves an embedded state database waits for more work before it ends. */
const WORKER_IDLE_MS = 20_000;

export interface OpenTminusOptions {
  directory: string;
  configFile?: string;
  environment: Environment;
  /** Told what takes time, for display. */
  log: (line: string) => void;
}

/** Errors: those of openProject and openState. The state database is opened by the first call that needs it. */
export async function openTminus(options: OpenTminusOptions): Promise<Tminus> {
  const project = await openProject(options);
  const { environment, log } = options;
  const clock = systemClock;
  const projectName = project.runbook.project;
  const ofProject = (name: string | undefined): runs.RunPlace =>
    name === undefined ? { project: projectName } : { project: projectName, environment: name };
  let opening: Promise<State> | undefined;
  let listening: Promise<Notifications> | undefined;
  let startedWork = false;
  const state = (): Promise<State> =>
    (opening ??= openState({
      stateDirectory: project.stateDirectory,
      environment,
      clock,
      log,
      poolSize: POOL_SIZE,
    }));
  const pool = async (): Promise<State["pool"]> => (await state()).pool;
  const notifications = async (): Promise<Notifications> =>
    (listening ??= openNotifications((await state()).connectionString, clock));

  const protection = (name: string): ResolvedEnvironment => resolveEnvironment(project.runbook, name);
  const place = { project: projectName, stateDirectory: project.stateDirectory, environment, state };
  const keyPlace = {
    stateDirectory: project.stateDirectory,
    projectDirectory: project.directory,
    environment,
  };
  const plan = async (request: PlanRequest, scheduled?: Schedule): Promise<Plan> => {
    const shared = {
      history: runHistory(place),
      hasUsers: async () => {
        const found = await findPool(place);
        return found !== undefined && hasUsers(found);
      },
    };
    if (request.purpose !== "deploy")
      return makePlan(project, environment, request, { against: [], overrides: [], ...shared });
    const { window, blocked } = await windowForPlan(
      project,
      place,
      request.environment,
      beginsAt(scheduled, clock.now()),
    );
    const against = [...(await lockBlocks(place, request.environment)), ...blocked];
    const overrides = await overridesOf(place, request.environment);
    const rests =
      request.inEmergency === true ? { emergency: await emergencyOf(place, request.environment) } : {};
    const made = await makePlan(project, environment, request, {
      against,
      overrides,
      scheduled,
      ...rests,
      ...shared,
    });
    refusePast(made, clock.now());
    return window === undefined ? made : { ...made, window };
  };
  return {
    project: projectName,
    environments: Object.keys(project.runbook.environments),
    stateDirectory: project.stateDirectory,
    environment: protection,
    identify: (claim) => identify(claim, pool, openSecrets(project.directory, environment, new Redactor())),
    people: openPeople(pool),
    webSessions: openWebSessions(pool),
    requests: openRequestLog(pool),
    plan: async (request) =>
      plan(request, request.at === undefined ? undefined : await readSchedule(request.at, clock.now())),

    async checkPlan(before, signal) {
      await refuseWhenLocked(place, before);
      const { release, purpose } = before;
      const request = {
        environment: before.environment.name,
        release,
        purpose,
        inEmergency: before.emergency !== undefined,
        signal,
        progress: () => undefined,
      };
      const now = await plan(request, before.scheduled);
      const compared = asMeasuredBefore(now, before, (kind) => stepKinds[kind]?.measures === true);
      if (planHash(compared) === before.hash) return;
      const moved = movedInputs(before, now);
      const named = moved.length > 0 ? moved : ["what the gates and steps found out"];
      throw new TminusError("PLAN_STALE", `the plan is stale; moved since it was made: ${named.join("; ")}`, {
        details: { moved: named, planned: before.hash, now: now.hash },
      });
    },

    async start(planned, starter, { waitForWindow } = { waitForWindow: false }) {
      if (planned.blocked.length > 0) {
        const reasons = planned.blocked.map(({ where, reason }) => `${where}: ${reason}`);
        throw new TminusError("PLAN_BLOCKED", reasons.join("; "), { details: { blocked: planned.blocked } });
      }
      refusePast(planned, clock.now());
      await refuseWhenLocked(place, planned);
      // A run whose T-0 is at a time does not wait for a window: its steps would all be late.
      if (!waitForWindow || planned.scheduled !== undefined) await refuseWhenClosed(project, place, planned);
      await checkEmergency(place, planned);
      checkWaivers(planned, clock.now());
      const ownWord = whyNotByOwnWord(planned, starter.name);
      if (ownWord !== undefined)
        throw new TminusError("APPROVAL_REFUSED", ownWord, {
          hint: "Have somebody else start it, or somebody else give that word.",
        });
      const verb = planned.purpose === "rollback" ? "rollback" : "deploy";
      await requirePermission(await pool(), starter, verb, planned.environment);
      refuseHiddenStarter(planned, starter);
      const { name } = planned.environment;
      const context: RunContext = { ...contextOf(project, name), calendar: await readRules(project, name) };
      await openMakingGood(place, planned, clock.now());
      const id = newRunId(clock.now());
      await runs.createRun(await pool(), { id, plan: planned, context, startedBy: starter.name, starter });
      await ensureWorker();
      return runs.findRun(await pool(), id, { project: projectName });
    },

    ensureWorker,
    changesSinceApproval: async (runId) => changesSinceApproval(await pool(), runId),
    findRun: async (id, name) => runs.findRun(await pool(), id, ofProject(name)),
    ...openRunLists(pool, projectName),
    activeRuns: (name) => activeRuns(place, name),
    attempts: async (runId) => runs.listAttempts(await pool(), runId),
    events: async (runId, after) => runs.allEvents(await pool(), runId, after),
    follow: (runId, after, signal) => follow(runId, after, signal),
    async *followAll(since, signal) {
      const feed = { project: projectName, pool: await pool(), notifications: await notifications(), clock };
      yield* followAll(feed, since, signal);
    },

    async send(runId, body, actor) {
      const run = await runs.findRun(await pool(), runId, { project: projectName });
      await requirePermission(await pool(), actor, body.kind, run.plan.environment);
      const newerPlans = body.kind === "approve" ? await runs.newerPlans(await pool(), run.id) : [];
      checkSignal(run, body, actor, { newerPlans, now: clock.now(), areUsers: await hasUsers(await pool()) });
      if (body.kind === "attest" && body.attachment !== undefined)
        await requireKept(await pool(), body.attachment);
      await runs.sendSignal(await pool(), run.id, actor.name, body, actor);
      await ensureWorker();
    },

    async refusals(run, actor) {
      const opened = await pool();
      const [newerPlans, areUsers] = await Promise.all([runs.newerPlans(opened, run.id), hasUsers(opened)]);
      return refusals(run, actor, { newerPlans, now: clock.now(), areUsers });
    },

    async previewRollback(runId, signal) {
      const { previewRollback } = await import("./preview-rollback.ts");
      const run = await runs.findRun(await pool(), runId, { project: projectName });
      const attempts = await runs.listAttempts(await pool(), run.id);
      const context = runContextSchema.parse(await runs.readRunContext(await pool(), run.id));
      return previewRollback({ run, attempts, context, processEnvironment: environment, signal });
    },

    ...openWindows(project, place),
    ...openEmergencies(project, place),
    ...openFollowUpCalls(place, protection),
    async mergeBack(request) {
      const { mergeBack } = await import("./merge-back.ts");
      const [last] = await runHistory(place).runs({ environment: request.environment, limit: 1 });
      return mergeBack(project, environment, last, request);
    },
    lock: (name) => findLock(place, name),
    async unlock(lock, reason, actor) {
      await requirePermission(await pool(), actor, "unlock", protection(lock.environment));
      return unlock(await pool(), lock, actor, reason);
    },
    permit: async (actor, verb, name) => requirePermission(await pool(), actor, verb, protection(name)),
    async override(wanted, actor) {
      await requirePermission(await pool(), actor, "override", protection(wanted.environment));
      return override(project, place, wanted, actor);
    },
    overrides: (name) => findOverrides(place, name),
    endOverrides: async (name, gate, actor) =>
      endOverrides(await pool(), projectName, { environment: name, gate }, actor),
    lease: async (name) => runs.readLease(await pool(), projectName, name),
    ...openEvidenceCalls(pool),
    async sign(payloadType, payload) {
      const [{ readSigningKey }, { signEnvelope }] = await Promise.all([
        import("./signing-key.ts"),
        import("../audit/dsse.ts"),
      ]);
      const { privateKey, publicKey } = await readSigningKey(keyPlace);
      return { envelope: signEnvelope(payloadType, payload, privateKey), publicKey };
    },
    async signingKey() {
      const { makeSigningKey } = await import("./signing-key.ts");
      const { publicKey, from, isNew } = await makeSigningKey(keyPlace);
      return { publicKey, from, isNew };
    },
    async anchors(signal) {
      const { audit } = project.runbook;
      if (audit === undefined) return undefined;
      const [{ openAnchors }, { readAnchors }] = await Promise.all([
        import("../providers/anchors/open-anchors.ts"),
        import("./anchors.ts"),
      ]);
      return readAnchors(openAnchors(audit.anchor, project.directory), signal);
    },
    async *audit(filter) {
      yield* readAudit(await pool(), { ...filter, project: projectName });
    },

    async watched(runId, stepId) {
      const { watchedSteps } = await import("./watched.ts");
      const run = await runs.findRun(await pool(), runId, { project: projectName });
      return watchedSteps(await pool(), run, stepId, clock.now().getTime());
    },

    async sources(runId) {
      const run = await runs.findRun(await pool(), runId, { project: projectName });
      const { signals } = runContextSchema.parse(await runs.readRunContext(await pool(), run.id));
      return Object.fromEntries(
        Object.entries(signals).map(([name, { kind, ...settings }]) => [name, { kind, settings }]),
      );
    },

    async status(name) {
      const names = name === undefined ? Object.keys(project.runbook.environments) : [name];
      return Promise.all(names.map(async (item) => environmentStatus(item)));
    },

    doctor: (signal) => runDoctor({ project, environment, state, signal }),

    async close() {
      // What could not be opened was reported by the call that needed it, and need not be closed.
      await (await listening?.catch(() => undefined))?.close();
      await (await opening?.catch(() => undefined))?.close({ stopServer: !startedWork });
    },
  };

  async function ensureWorker(): Promise<void> {
    startedWork = true;
    if (environment.TMINUS_START_WORKER === "0") return;
    if ((await countLiveWorkers(await pool())) > 0) return;
    mkdirSync(project.stateDirectory, { recursive: true });
    const main = programFile("../cli/main", import.meta.url);
    const argv = [
      process.execPath,
      main,
      "worker",
      "--state",
      project.stateDirectory,
      "--idle",
      `${WORKER_IDLE_MS}ms`,
    ];
    await spawnDetached(argv, {
      cwd: project.directory,
      // The worker acts for nobody: it is not given the token of whoever happens to start it.
      env: definedOnly({ ...environment, TMINUS_TOKEN: undefined }),
      logFile: join(project.stateDirectory, "worker.log"),
    });
  }

  async function* follow(runId: string, after: number, signal: AbortSignal): AsyncGenerator<RunEvent> {
    const source = await notifications();
    let wake: () => void = () => undefined;
    const unsubscribe = source.subscribe("tminus_event", (payload) => {
      if (payload === runId || payload === "") wake();
    });
    try {
      let last = after;
      while (!signal.aborted) {
        const woken = new Promise<void>((resolve) => (wake = resolve));
        const events = await runs.listEvents(await pool(), runId, last);
        for (const event of events) {
          yield event;
          last = event.sequence;
          if (event.type === "run.ended") return;
        }
        if (events.length > 0) continue;
        await Promise.race([woken, whenAborted(deadline(FOLLOW_POLL_MS, signal))]);
      }
    } finally {
      unsubscribe();
    }
  }

  async function environmentStatus(name: string): Promise<EnvironmentStatus> {
    const context = contextOf(project, name);
    const opened = openForReading({ context, processEnvironment: environment, clock, writeLine: log });
    try {
      const traffic = await trafficNow(opened.target, clock);
      // After the target, which may be slow: how long ago a worker was heard of must be told as it is now.
      const active = await activeRuns(place, name);
      const ended = { project: projectName, environment: name, state: "ended" } as const;
      const [last] = await listRuns(await pool(), ended, 1);
      const lease = await runs.readLease(await pool(), projectName, name);
      const lock = await readLock(await pool(), projectName, name);
      const now = clock.now();
      const overdue = await Promise.all(active.map(async (run) => overdueItems(await pool(), run, now)));
      return {
        environment: name,
        url: context.environment.url,
        traffic,
        active,
        overdueItems: overdue.flat(),
        overdueTasks: await overdueTasks(await pool(), projectName, name, now),
        ...(last === undefined ? {} : { last }),
        ...(lease === undefined ? {} : { lease }),
        ...(lock === undefined ? {} : { lock }),
      };
    } finally {
      await opened.close();
    }
  }
}
