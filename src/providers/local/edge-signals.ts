import type { Clock } from "../../lib/clock.ts";
import type { Reading, ReleaseCounters, SignalSource } from "../../model/ports.ts";
import type { EdgeClient, EdgeCounters } from "./edge-client.ts";

/**
 * What the edge counted per release. A request that was a release's share but went elsewhere because the
 * release was down counts as its error: it is one that the release did not answer.
 */
export class EdgeSignals implements SignalSource {
  readonly name: string = "edge";
  readonly #client: EdgeClient;
  readonly #clock: Clock;

  constructor(client: EdgeClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async read(signal: AbortSignal): Promise<Reading> {
    try {
      const counters = await this.#client.counters(signal);
      const at = this.#clock.now();
      if (counters === undefined) return { state: "no-data", at, reason: "no edge is running" };
      if (counters.length === 0) return { state: "no-data", at, reason: "the edge knows no release yet" };
      const releases = Object.fromEntries(counters.map((one) => [one.release, countersOf(one)]));
      return { state: "counters", at, releases };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { state: "error", at: this.#clock.now(), reason };
    }
  }
}

function countersOf(one: EdgeCounters[number]): ReleaseCounters {
  return {
    requests: one.requests + one.diverted,
    errors: one.errors + one.diverted,
    latency: one.latency.map(({ leMs, count }) => ({ leMs: leMs ?? Infinity, count })),
  };
}
