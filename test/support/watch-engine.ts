import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { executeRun } from "../../src/engine/execute-run.ts";
import { systemClock, type Clock } from "../../src/lib/clock.ts";
import type { Json, JsonObject } from "../../src/model/json.ts";
import type { Run, RunEvent } from "../../src/model/run.ts";
import type { StepKind } from "../../src/model/step-kind.ts";
import { prometheusSignals } from "../../src/providers/signals/prometheus/index.ts";
import type { SavedWatch } from "../../src/steps/watch/saved-watch.ts";
import { watch } from "../../src/steps/watch.ts";
import { listEvents } from "../../src/store/runs.ts";
import { createFakeClock, type FakeClock } from "../../src/testing/fake-clock.ts";
import { createFakeTarget } from "../../src/testing/fake-target.ts";
import { EngineWorld, scriptedStep } from "./engine.ts";
import { openPrometheusEmulator, type PrometheusEmulator } from "./prometheus-emulator.ts";
import { signalPorts } from "./signal-ports.ts";
import type { TestState } from "./state.ts";

export interface WatchEngineOptions {
  state: TestState;
  /** Of the run's environment; unique among runs that go on at the same time. */
  environment: string;
  settings: JsonObject;
  /** Share of bad requests from a second since the start on, in order; 10 requests come a second. */
  bad: Partial<Record<string, readonly [second: number, share: number][]>>;
  /** Done once each, when the clock of the watch comes to so many seconds since the start. */
  at?: [second: number, action: (scene: WatchEngine) => void | Promise<void>][];
  /** Done when traffic has gone back to v1. */
  undone?: (scene: WatchEngine) => Promise<void>;
  /** Of the source; default 10s. */
  timeout?: string;
}

const PER_SECOND = 10;
const DAY_S = 86_400;
/** The engine's own waits are shorter, and stay real: its heartbeats are held against the time of the database. */
const UPKEEP_MS = 10_000;
const PLANNED_MS = 30 * DAY_S * 1000;

/**
 * A run of the real engine over the real store, whose watch lives on a clock that goes as fast as it can, and asks the
 * real Prometheus source over HTTP. Traffic was moved by the step before it: v2 has half of it.
 */
export class WatchEngine {
  readonly world: EngineWorld;
  readonly clock: FakeClock;
  /** What the watch told. */
  readonly lines: string[] = [];
  readonly #options: WatchEngineOptions;
  readonly #startMs: number;
  readonly #left: NonNullable<WatchEngineOptions["at"]>;
  #prometheus!: PrometheusEmulator;
  #site!: Server;
  #id!: string;
  #workers = 0;

  static async open(options: WatchEngineOptions): Promise<WatchEngine> {
    const scene = new WatchEngine(options);
    await scene.#open();
    return scene;
  }

  private constructor(options: WatchEngineOptions) {
    this.#options = options;
    this.world = new EngineWorld(options.state);
    this.clock = createFakeClock({ autoAdvance: true });
    this.#startMs = this.clock.now().getTime();
    this.#left = (options.at ?? []).toSorted(([a], [b]) => a - b);
  }

  get prometheus(): PrometheusEmulator {
    return this.#prometheus;
  }

  /** Since the start. */
  get seconds(): number {
    return (this.clock.now().getTime() - this.#startMs) / 1000;
  }

  /** With a worker of its own, until the run ends or `stop` aborts. */
  async execute(stop: AbortSignal = new AbortController().signal): Promise<Run> {
    await executeRun(this.#id, this.world.ports(`worker-${++this.#workers}`), stop);
    return this.run();
  }

  /** As a person who decides about a step, or about "cure". */
  decide(subject: string, as: "done" | "failed"): Promise<unknown> {
    return this.world.send(this.#id, { kind: "resolve", stepId: subject, as, note: "" });
  }

  run(): Promise<Run> {
    return this.world.run(this.#id);
  }

  events(): Promise<RunEvent[]> {
    return listEvents(this.#options.state.pool, this.#id, 0);
  }

  async eventTypes(): Promise<string[]> {
    return (await this.events()).map(({ type }) => type);
  }

  async saved(): Promise<SavedWatch> {
    return (await this.#options.state.journal.loadState(this.#id, "watch")) as unknown as SavedWatch;
  }

  async savedJson(): Promise<Json> {
    return (await this.#options.state.journal.loadState(this.#id, "watch"))!;
  }

  /** How many bad ones there were up to a second since the start, and how many in all. */
  countsUpTo(release: string, second: number): { bad: number; total: number } {
    const counted = (metric: string): number =>
      this.#counterAt(metric, release, this.#startMs + second * 1000) -
      this.#counterAt(metric, release, this.#startMs);
    return { bad: counted("bad"), total: counted("total") };
  }

  async close(): Promise<void> {
    this.world.close();
    await this.#prometheus.close();
    this.#site.closeAllConnections();
    await new Promise((done) => this.#site.close(done));
  }

  async #open(): Promise<void> {
    const { settings, environment, timeout = "10s" } = this.#options;
    const { world } = this;
    const stepClock = this.#stepClock();
    this.#prometheus = await openPrometheusEmulator(this.clock, (metric, release, atMs) =>
      this.#counterAt(metric, release, atMs),
    );
    this.#site = createServer((_, response) => response.end("ok"));
    await new Promise<void>((done) => this.#site.listen(0, "127.0.0.1", done));
    world.url = `http://127.0.0.1:${(this.#site.address() as AddressInfo).port}`;
    const target = createFakeTarget({
      routes: [
        { release: "v1", percent: 50 },
        { release: "v2", percent: 50 },
      ],
    });
    world.target = target;
    world.scripts.shift = {
      undo: async (): Promise<"done"> => {
        const fence = { environment, token: 1 };
        await target.shift([{ release: "v1", percent: 100 }], fence, new AbortController().signal);
        await this.#options.undone?.(this);
        return "done";
      },
    };
    world.patienceMs = 0;
    world.clock = {
      now: () => this.clock.now(),
      monotonicMs: () => systemClock.monotonicMs(),
      sleep: (ms, signal) => (ms < UPKEEP_MS ? systemClock : this.clock).sleep(ms, signal),
    };
    world.kinds = { watch: this.#watchOn(stepClock) };
    world.sources.prom = prometheusSignals.open(
      "prom",
      {
        url: this.#prometheus.url,
        timeout,
        queries: {
          error_rate: { bad: 'bad{release="{release}"}', total: 'total{release="{release}"}' },
        },
      },
      signalPorts({ clock: stepClock }),
    );
    const parsed = watch.schema.parse(settings) as JsonObject;
    const steps = [
      scriptedStep("shift"),
      scriptedStep("watch", {
        kind: "watch",
        kindVersion: watch.version,
        with: parsed,
        timeoutMs: PLANNED_MS,
        undo: { how: "none-needed", text: "only looks" },
      }),
    ];
    this.#id = await world.start([steps], {
      environment: { name: environment, url: world.url, protected: false, targetKind: "fake" },
      // What comes in a look is some hundred requests, of which one may be bad.
      rollback: { automatic: true, database: "keep", cureMs: 0, cureMinRequests: 100 },
    });
  }

  /** The watch as it is, with another clock; what it tells is counted. */
  #watchOn(clock: Clock): StepKind {
    const own = watch as StepKind;
    type Context = Parameters<StepKind["act"]>[0];
    const on = (context: Context): Context => ({
      ...context,
      clock,
      progress: (text) => {
        this.lines.push(text);
        context.progress(text);
      },
    });
    return {
      ...own,
      observe: (context) => own.observe(on(context)),
      act: (context) => own.act(on(context)),
      cured: (context, failure) => own.cured!(on(context), failure),
    };
  }

  /** Stops at every moment at which something is to be done. */
  #stepClock(): Clock {
    const { clock } = this;
    return {
      ...clock,
      sleep: async (ms, signal) => {
        const untilS = this.seconds + ms / 1000;
        while (this.#left[0] !== undefined && this.#left[0][0] <= untilS) {
          const [second, action] = this.#left.shift()!;
          await clock.sleep(Math.max(0, second - this.seconds) * 1000, signal);
          await action(this);
        }
        await clock.sleep(Math.max(0, untilS - this.seconds) * 1000, signal);
        if (this.seconds > LONGEST_S) throw new Error(`the watch still goes on after ${this.seconds} s`);
      },
    };
  }

  #counterAt(metric: string, release: string, atMs: number): number {
    const second = (atMs - this.#startMs) / 1000;
    const before = PER_SECOND * (2 * DAY_S);
    if (metric === "total") return Math.floor(before + PER_SECOND * second);
    const phases = this.#options.bad[release] ?? [];
    const sum = phases.reduce((all, [from, share], index) => {
      const to = Math.min(second, phases[index + 1]?.[0] ?? Infinity);
      return all + Math.max(0, to - from) * PER_SECOND * share;
    }, 0);
    return Math.floor(sum);
  }
}

const LONGEST_S = 1.5 * DAY_S;
