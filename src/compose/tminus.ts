import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deadline, systemClock, whenAborted } from "../lib/clock.ts";
import { newRunId } from "../lib/id.ts";
import { spawnDetached } from "../lib/process.ts";
import { TminusError } from "../errors.ts";
import type { Plan } from "../model/plan.ts";
import type { RunEvent } from "../model/run.ts";
import type { EnvironmentStatus, PlanRequest, Tminus } from "../model/tminus.ts";
import { movedInputs } from "../plan/moved-inputs.ts";
import { openNotifications, type Notifications } from "../store/notifications.ts";
import * as runs from "../store/runs.ts";
import { countLiveWorkers } from "../store/workers.ts";
import { runDoctor } from "./doctor.ts";
import { openForReading, trafficNow } from "./look.ts";
import { definedOnly, makePlan } from "./make-plan.ts";
import { contextOf, openProject } from "./project.ts";
import { runContextSchema } from "./run-context.ts";
import type { Environment } from "./secrets.ts";
import { checkSignal } from "./check-signal.ts";
import { openState, type State } from "./state.ts";

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
  const ofProject = (name: string | undefined): runs.RunFilter =>
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

  const plan = (request: PlanRequest): Promise<Plan> => makePlan(project, environment, request);
  return {
    project: projectName,
    environments: Object.keys(project.runbook.environments),
    plan,

    async checkPlan(before, signal) {
      const { release, purpose } = before;
      const now = await plan({
        environment: before.environment.name,
        release,
        purpose,
        signal,
        progress: () => undefined,
      });
      if (now.hash === before.hash) return;
      const moved = movedInputs(before, now);
      const named = moved.length > 0 ? moved : ["what the gates and steps found out"];
      throw new TminusError("PLAN_STALE", `the plan is stale; moved since it was made: ${named.join("; ")}`, {
        details: { moved: named, planned: before.hash, now: now.hash },
      });
    },

    async start(planned, startedBy) {
      if (planned.blocked.length > 0) {
        const reasons = planned.blocked.map(({ where, reason }) => `${where}: ${reason}`);
        throw new TminusError("PLAN_BLOCKED", reasons.join("; "), { details: { blocked: planned.blocked } });
      }
      const context = contextOf(project, planned.environment.name);
      const id = newRunId(clock.now());
      await runs.createRun(await pool(), { id, plan: planned, context, startedBy });
      await ensureWorker();
      return runs.findRun(await pool(), id, { project: projectName });
    },

    ensureWorker,
    findRun: async (id, name) => runs.findRun(await pool(), id, ofProject(name)),
    runs: async ({ environment: name, limit }) => runs.listRuns(await pool(), ofProject(name), limit),
    attempts: async (runId) => runs.listAttempts(await pool(), runId),
    async events(runId, after) {
      const all: RunEvent[] = [];
      for (;;) {
        const page = await runs.listEvents(await pool(), runId, all.at(-1)?.sequence ?? after);
        if (page.length === 0) return all;
        all.push(...page);
      }
    },
    follow: (runId, after, signal) => follow(runId, after, signal),

    async send(runId, body, actor) {
      const run = await runs.findRun(await pool(), runId, { project: projectName });
      checkSignal(run, body, actor);
      await runs.sendSignal(await pool(), run.id, actor, body);
      await ensureWorker();
    },

    async previewRollback(runId, signal) {
      const { previewRollback } = await import("./preview-rollback.ts");
      const run = await runs.findRun(await pool(), runId, { project: projectName });
      const attempts = await runs.listAttempts(await pool(), run.id);
      const context = runContextSchema.parse(await runs.readRunContext(await pool(), run.id));
      return previewRollback({ run, attempts, context, processEnvironment: environment, signal });
    },

    lease: async (name) => runs.readLease(await pool(), projectName, name),
    evidence: async (sha256) => runs.readEvidence(await pool(), sha256),

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
    const main = fileURLToPath(
      new URL(`../cli/main${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url),
    );
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
      env: definedOnly(environment),
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
      const recent = await runs.listRuns(await pool(), ofProject(name), 20);
      const lease = await runs.readLease(await pool(), projectName, name);
      const last = recent.find((run) => run.state === "ended");
      return {
        environment: name,
        url: context.environment.url,
        traffic,
        active: recent.filter((run) => run.state !== "ended").reverse(),
        ...(last === undefined ? {} : { last }),
        ...(lease === undefined ? {} : { lease }),
      };
    } finally {
      await opened.close();
    }
  }
}
