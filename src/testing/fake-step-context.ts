import { tmpdir } from "node:os";
import { TminusError } from "../errors.ts";
import type { Clock } from "../lib/clock.ts";
import { sha256 } from "../lib/hash.ts";
import { Redactor, Secret } from "../lib/redact.ts";
import { uncheckedActor, type Actor } from "../model/actor.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { DeployTarget, NotificationChannel, ScratchServer } from "../model/ports.ts";
import type { SignalSource } from "../model/signal-source.ts";
import type { NewerPlan } from "../model/run.ts";
import type { Signal, SignalBody } from "../model/signal.ts";
import type {
  EarlierStep,
  EnvironmentView,
  PageMessage,
  PageReport,
  PlanContext,
  PlanStepInput,
  StepContext,
  WaitingFor,
} from "../model/step-kind.ts";
import { createFakeClock } from "./fake-clock.ts";
import { createFakeTarget } from "./fake-target.ts";

export interface FakeStepWorldOptions {
  release?: string;
  previousRelease?: string | null;
  environment?: Partial<EnvironmentView>;
  rollbackDatabase?: "keep" | "down";
  /** Defaults to the system's folder for temporary files. */
  projectDirectory?: string;
  runDirectory?: string;
  startedBy?: string | Actor;
  planHash?: string;
  key?: string;
  /** A clock that stands still when left out. */
  clock?: Clock;
  /** A fake target with v1 live when left out. */
  target?: DeployTarget;
  /** Refuses to make a database when left out. */
  scratch?: ScratchServer;
  sources?: Record<string, SignalSource>;
  channels?: Record<string, NotificationChannel>;
  /** Reference → value. */
  secrets?: Record<string, string>;
  variables?: Record<string, string>;
  /** Whether somebody can sign in; nobody when left out. */
  hasUsers?: boolean;
  /** File of the runbook in the project's folder. */
  runbookFile?: string;
  newerPlans?: NewerPlan[];
  /** What is on record of other steps of the run, by id. */
  earlier?: Record<string, EarlierStep>;
  zeroAt?: Date;
  trafficMovedAt?: Date;
  /** Where the step's state is kept; in memory when left out. */
  storage?: StateStorage;
}

export interface StateStorage {
  load(): Json | undefined;
  save(state: Json): void;
}

/** Called before and after everything asynchronous that a step asks its context for; a throw stands for a crash. */
export type Tap = (boundary: string) => void;

/**
 * What survives when a step's process dies: the state, the inbox, the evidence, the target. As in the engine,
 * the state of a step is one value that act and undo share.
 */
export interface FakeStepWorld {
  /** Kept evidence, oldest first. */
  readonly evidence: { name: string; content: string; sha256: string }[];
  readonly progress: string[];
  /** Each wait that a step began, oldest first. */
  readonly waits: WaitingFor[];
  /** Each page, once per key, oldest first. It also goes to the channels. */
  readonly pages: ({ key: string } & PageMessage)[];
  state(): Json | undefined;
  /** Appends a signal to the inbox; those who wait get it. */
  send(body: SignalBody, actor: string | Actor, at?: Date): void;
  planContext(settings: JsonObject, signal?: AbortSignal): PlanContext<JsonObject>;
  planInput(settings: JsonObject, facts: Json): PlanStepInput<JsonObject, Json>;
  /** One life of the step's process: what the engine would give it. */
  open(settings: JsonObject, facts: Json, tap?: Tap): FakeIncarnation;
}

export interface FakeIncarnation {
  context: StepContext<JsonObject>;
  abort: (reason: Error) => void;
}

export const FAKE_STEP_ID = "step";

/** A context as the engine gives it, without an engine. */
export function createFakeStepWorld(options: FakeStepWorldOptions = {}): FakeStepWorld {
  const settled = settle(options);
  const inbox: Signal[] = [];
  let wakers: (() => void)[] = [];
  const evidence: FakeStepWorld["evidence"] = [];
  const progress: string[] = [];
  const waits: WaitingFor[] = [];
  const pages: FakeStepWorld["pages"] = [];
  const pager = openPager(settled.channels, pages);

  const world: FakeStepWorld = {
    evidence,
    progress,
    waits,
    pages,
    state: () => settled.storage.load(),
    send(body, actor, at) {
      const identity = typeof actor === "string" ? uncheckedActor(actor) : actor;
      const when = at ?? settled.clock.now();
      inbox.push({ id: inbox.length + 1, runId: "run", at: when, actor: identity.name, identity, body });
      const woken = wakers;
      wakers = [];
      for (const wake of woken) wake();
    },
    planContext: (settings, signal) => ({
      with: settings,
      release: settled.release,
      environment: settled.environment,
      projectDirectory: settled.projectDirectory,
      target: settled.target,
      sources: settled.sources,
      scratch: settled.scratch,
      secret: settled.secret,
      clock: settled.clock,
      signal: signal ?? new AbortController().signal,
      planning: {
        previousRelease: settled.previousRelease,
        runbookFile: options.runbookFile ?? "tminus.yaml",
        hasUsers: async () => options.hasUsers === true,
      },
    }),
    planInput: (settings, facts) => ({
      with: settings,
      facts,
      release: settled.release,
      previousRelease: settled.previousRelease,
      environment: settled.environment,
      rollbackDatabase: settled.rollbackDatabase,
      capabilities: settled.target.capabilities,
      trafficPercent: 100,
      stepsBefore: Object.keys(settled.earlier),
    }),
    open(settings, facts, tap = () => undefined) {
      const stopping = new AbortController();
      const { signal } = stopping;
      const { redactor, storage } = settled;
      const guarded = <T>(name: string, work: () => T | Promise<T>): Promise<T> => tapped(tap, name, work);
      const context: StepContext<JsonObject> = {
        ...world.planInput(settings, facts),
        runId: "run",
        stepId: FAKE_STEP_ID,
        title: "The step",
        key: settled.key,
        startedBy: settled.starter.name,
        starter: settled.starter,
        planHash: settled.planHash,
        projectDirectory: settled.projectDirectory,
        runDirectory: settled.runDirectory,
        fence: { environment: settled.environment.name, token: 1 },
        signal,
        clock: settled.clock,
        target: tapObject("target", settled.target, tap),
        scratch: settled.scratch,
        sources: settled.sources,
        channels: Object.fromEntries(
          Object.entries(settled.channels).map(([id, channel]) => [id, tapObject("channel", channel, tap)]),
        ),
        secret: settled.secret,
        variables: () => settled.variables,
        redact: (text) => redactor.redact(text),
        redactStream: (write) => redactor.stream(write),
        progress: (text) => void progress.push(redactor.redact(text)),
        evidence: (name, content) =>
          guarded("evidence", () => {
            const text = redactor.redact(content);
            evidence.push({ name, content: text, sha256: sha256(text) });
            return sha256(text);
          }),
        waiting: async (what, wait) => {
          tap("waiting:before");
          waits.push(what);
          return wait();
        },
        inbox: () => follow(inbox, (wake) => wakers.push(wake), signal),
        page: (key, message) => guarded("page", () => pager(key, message, signal)),
        earlier: (stepId) => guarded("earlier", () => settled.earlier[stepId]),
        newerPlans: () => guarded("newerPlans", () => options.newerPlans ?? []),
        zeroAt: settled.zeroAt,
        trafficMovedAt: settled.trafficMovedAt,
        loadState: () => guarded("loadState", () => storage.load()),
        saveState: (state) => guarded("saveState", () => storage.save(state)),
      };
      return { context, abort: (reason) => stopping.abort(reason) };
    },
  };
  return world;
}

/** Storage that lasts as long as the world does. Values are copied, as a database would. */
export function memoryStorage(): StateStorage {
  let stored: string | undefined;
  return {
    load: () => (stored === undefined ? undefined : (JSON.parse(stored) as Json)),
    save: (state) => (stored = JSON.stringify(state)),
  };
}

function settle(options: FakeStepWorldOptions) {
  const redactor = new Redactor();
  const secrets = options.secrets ?? {};
  for (const [reference, value] of Object.entries(secrets)) redactor.add(new Secret(value, reference));
  const projectDirectory = options.projectDirectory ?? tmpdir();
  return {
    release: options.release ?? "v2",
    previousRelease: options.previousRelease === null ? undefined : (options.previousRelease ?? "v1"),
    environment: {
      name: "production",
      url: "http://127.0.0.1:9",
      protected: false,
      database: undefined,
      variables: {},
      ...options.environment,
    },
    rollbackDatabase: options.rollbackDatabase ?? ("keep" as const),
    projectDirectory,
    runDirectory: options.runDirectory ?? projectDirectory,
    starter:
      typeof options.startedBy === "object" ? options.startedBy : uncheckedActor(options.startedBy ?? "ann"),
    planHash: options.planHash ?? "plan-hash",
    key: options.key ?? "key-of-run-and-step",
    clock: options.clock ?? createFakeClock(),
    target: options.target ?? createFakeTarget({ routes: [{ release: "v1", percent: 100 }] }),
    scratch: options.scratch ?? NO_SCRATCH,
    sources: options.sources ?? {},
    channels: options.channels ?? {},
    variables: options.variables ?? {},
    earlier: options.earlier ?? {},
    zeroAt: options.zeroAt,
    trafficMovedAt: options.trafficMovedAt,
    storage: options.storage ?? memoryStorage(),
    redactor,
    secret: (reference: string): Secret => {
      const value = secrets[reference];
      if (value === undefined) throw new TminusError("SECRET_MISSING", `${reference} has no value`);
      return new Secret(value, reference);
    },
  };
}

type Pager = (key: string, message: PageMessage, signal: AbortSignal) => Promise<PageReport>;

/** Tries each channel once for each call, until it has delivered that key. */
function openPager(channels: Record<string, NotificationChannel>, pages: FakeStepWorld["pages"]): Pager {
  const delivered = new Set<string>();
  return async (key, message, signal) => {
    if (!pages.some((page) => page.key === key)) pages.push({ key, ...message });
    const report: PageReport = { delivered: [], undelivered: [] };
    for (const channel of Object.values(channels)) {
      const name = `${key}/${channel.id}`;
      try {
        if (!delivered.has(name)) await channel.send({ key: name, ...message, facts: {} }, signal);
        delivered.add(name);
        report.delivered.push(channel.id);
      } catch (error) {
        signal.throwIfAborted();
        report.undelivered.push({ channel: channel.id, reason: String(error) });
      }
    }
    return report;
  };
}

const NO_SCRATCH: ScratchServer = {
  createDatabase: () =>
    Promise.reject(new TminusError("STATE_UNAVAILABLE", "this world has no scratch server")),
};

async function* follow(
  inbox: readonly Signal[],
  onNext: (wake: () => void) => void,
  signal: AbortSignal,
): AsyncGenerator<Signal> {
  let seen = 0;
  for (;;) {
    for (; seen < inbox.length; seen++) {
      const { body } = inbox[seen]!;
      if ("stepId" in body && body.stepId === FAKE_STEP_ID) yield inbox[seen]!;
    }
    await new Promise<void>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      onNext(resolve);
    });
  }
}

async function tapped<T>(tap: Tap, name: string, work: () => T | Promise<T>): Promise<T> {
  tap(`${name}:before`);
  const value = await work();
  tap(`${name}:after`);
  return value;
}

/** The same object with every method wrapped. */
function tapObject<T extends object>(name: string, object: T, tap: Tap): T {
  return new Proxy(object, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) =>
        tapped(tap, `${name}.${String(property)}`, () => Reflect.apply(value, target, args) as unknown);
    },
  });
}
