import { systemClock, type Clock } from "../lib/clock.ts";
import { LoadClient, type LoadRequest } from "./load-client.ts";
import { LoadTally, type LoadFigures, type LoadOutcome } from "./load-figures.ts";

/** What is sent: `next` is asked once for every request. */
export interface LoadScenario {
  next(): LoadRequest;
}

export interface LoadOptions {
  /** http only; the path is ignored. */
  baseUrl: string;
  requestsPerSecond: number;
  /** Clients, each with cookies and connections of its own. One opens a second connection while its first is busy. */
  connections: number;
  scenario: LoadScenario;
  clock?: Clock;
  /** Stops sending and breaks off what is in flight, which is not counted. */
  signal?: AbortSignal;
  /** From sending to the end of the answer; 10,000 unless told. */
  timeoutMs?: number;
  /** A request that is due while so many are in flight is left out and counted as not sent; 2,000 unless told. */
  maxInFlight?: number;
}

/** What was sent so far and how it ended. Plain JSON; times are epoch milliseconds. */
export interface LoadReport {
  startedAt: number;
  /** When sending stopped, or now. */
  endedAt: number;
  sent: number;
  inFlight: number;
  /** Due but left out: too many in flight, or this process was held up for more than a second. */
  notSent: number;
  total: LoadFigures;
  byName: Record<string, LoadFigures>;
  /** By the header x-tminus-release; what ended without one is under "none". */
  byRelease: Record<string, LoadFigures>;
}

export interface Load {
  /** Stops sending, waits for what is in flight (at most `timeoutMs`) and closes the connections. Safe to repeat. Rejects with what the scenario threw. */
  stop(): Promise<LoadReport>;
  snapshot(): LoadReport;
}

const TICK_MS = 5;
const MAX_LAG_MS = 1000;

/**
 * Sends requests at a fixed rate, whether or not earlier ones were answered, so that a slow server does not
 * slow down the load. The clients take turns.
 */
export function startLoad(options: LoadOptions): Load {
  const run = new LoadRun(options);
  return { stop: () => run.stop(), snapshot: () => run.report() };
}

interface InFlight {
  deadlineMs: number;
  timeOut: () => void;
}

class LoadRun {
  readonly #clock: Clock;
  readonly #scenario: LoadScenario;
  readonly #requestsPerSecond: number;
  readonly #timeoutMs: number;
  readonly #maxInFlight: number;
  readonly #clients: LoadClient[];
  readonly #stopping = new AbortController();
  readonly #aborted: AbortSignal | undefined;
  readonly #done: Promise<void>;
  /** In the order of sending, and so of their deadlines. */
  readonly #inFlight = new Set<InFlight>();
  readonly #total = new LoadTally();
  readonly #byName = new Map<string, LoadTally>();
  readonly #byRelease = new Map<string, LoadTally>();
  readonly #startedAt: number;
  #endedAt: number | undefined;
  #sent = 0;
  #notSent = 0;
  #turn = 0;

  constructor(options: LoadOptions) {
    const { clock = systemClock, timeoutMs = 10_000, maxInFlight = 2_000 } = options;
    this.#clock = clock;
    this.#scenario = options.scenario;
    this.#requestsPerSecond = options.requestsPerSecond;
    this.#timeoutMs = timeoutMs;
    this.#maxInFlight = maxInFlight;
    this.#aborted = options.signal;
    const baseUrl = new URL(options.baseUrl);
    this.#clients = Array.from(
      { length: options.connections },
      () => new LoadClient(baseUrl, () => clock.monotonicMs()),
    );
    this.#startedAt = clock.now().getTime();
    this.#done = this.#run();
    // stop() hands the error on; without this an early one would end the process before anybody asked.
    this.#done.catch(() => undefined);
  }

  async stop(): Promise<LoadReport> {
    this.#stopping.abort(new DOMException("stopped", "AbortError"));
    await this.#done;
    return this.report();
  }

  report(): LoadReport {
    return {
      startedAt: this.#startedAt,
      endedAt: this.#endedAt ?? this.#clock.now().getTime(),
      sent: this.#sent,
      inFlight: this.#inFlight.size,
      notSent: this.#notSent,
      total: this.#total.figures(),
      byName: figuresOf(this.#byName),
      byRelease: figuresOf(this.#byRelease),
    };
  }

  async #run(): Promise<void> {
    try {
      await this.#sendUntilStopped();
      this.#endedAt = this.#clock.now().getTime();
      await this.#drain();
    } finally {
      this.#endedAt ??= this.#clock.now().getTime();
      this.#inFlight.clear();
      for (const client of this.#clients) client.close();
    }
  }

  async #sendUntilStopped(): Promise<void> {
    const stop =
      this.#aborted === undefined
        ? this.#stopping.signal
        : AbortSignal.any([this.#aborted, this.#stopping.signal]);
    const startedMs = this.#clock.monotonicMs();
    let due = 0;
    while (!stop.aborted) {
      const nowMs = this.#clock.monotonicMs();
      this.#timeOutUntil(nowMs);
      const dueNow = Math.floor(((nowMs - startedMs) * this.#requestsPerSecond) / 1000);
      const late = Math.max(0, dueNow - due - Math.ceil((this.#requestsPerSecond * MAX_LAG_MS) / 1000));
      this.#notSent += late;
      for (due += late; due < dueNow; due++) this.#sendOne(nowMs);
      await this.#pause(stop);
    }
  }

  async #drain(): Promise<void> {
    const untilMs = this.#clock.monotonicMs() + this.#timeoutMs;
    while (this.#inFlight.size > 0 && this.#aborted?.aborted !== true) {
      const nowMs = this.#clock.monotonicMs();
      this.#timeOutUntil(nowMs >= untilMs ? Infinity : nowMs);
      await this.#pause(this.#aborted);
    }
  }

  async #pause(signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#clock.sleep(TICK_MS, signal);
    } catch (error) {
      // Being woken by the signal is an ordinary end of the pause; the caller looks at the signal.
      if (signal?.aborted !== true) throw error;
    }
  }

  #sendOne(nowMs: number): void {
    if (this.#inFlight.size >= this.#maxInFlight) {
      this.#notSent += 1;
      return;
    }
    const wanted = this.#scenario.next();
    const client = this.#clients[this.#turn++ % this.#clients.length]!;
    const entry: InFlight = { deadlineMs: nowMs + this.#timeoutMs, timeOut: () => undefined };
    this.#inFlight.add(entry);
    this.#sent += 1;
    entry.timeOut = client.send(wanted, (outcome, release) => {
      // Already taken out when the whole load was broken off.
      if (this.#inFlight.delete(entry)) this.#count(wanted.name, release, outcome);
    });
  }

  #timeOutUntil(nowMs: number): void {
    for (const entry of this.#inFlight) {
      if (entry.deadlineMs > nowMs) return;
      entry.timeOut();
    }
  }

  #count(name: string, release: string | undefined, outcome: LoadOutcome): void {
    const at = this.#clock.now().getTime();
    this.#total.add(outcome, at);
    tallyOf(this.#byName, name).add(outcome, at);
    tallyOf(this.#byRelease, release ?? "none").add(outcome, at);
  }
}

function tallyOf(tallies: Map<string, LoadTally>, key: string): LoadTally {
  let tally = tallies.get(key);
  if (tally === undefined) tallies.set(key, (tally = new LoadTally()));
  return tally;
}

function figuresOf(tallies: Map<string, LoadTally>): Record<string, LoadFigures> {
  return Object.fromEntries([...tallies].map(([key, tally]) => [key, tally.figures()]));
}
