/** Upper bounds of the latency buckets in milliseconds; one more bucket without a bound follows. */
const latencyBoundsMs = [5, 10, 25, 50, 100, 250, 500, 750, 1000, 1500, 2000, 2500, 5000, 10_000] as const;

const MAX_RELEASES = 32;

/** What one release did since this edge process started. Pinned requests are not counted: they are not traffic. */
export class ReleaseMetrics {
  readonly release: string;
  /** Requests given to the release that were answered or failed. */
  requests = 0;
  /** Of them, those answered with 5xx or not answered to the end. */
  errors = 0;
  /** Requests that were this release's share but went to another one, because it was down. */
  diverted = 0;
  sumMs = 0;
  /** Counts per bucket, not cumulative. */
  readonly buckets = new Float64Array(latencyBoundsMs.length + 1);

  constructor(release: string) {
    this.release = release;
  }

  /** One request that reached response headers, or that the client gave up after `elapsedMs`. */
  count(elapsedMs: number, failed: boolean): void {
    this.requests += 1;
    if (failed) this.errors += 1;
    this.sumMs += elapsedMs;
    let index = 0;
    while (index < latencyBoundsMs.length && elapsedMs > latencyBoundsMs[index]!) index += 1;
    this.buckets[index]! += 1;
  }

  /** One request without any answer. It has no latency. */
  countUnanswered(): void {
    this.requests += 1;
    this.errors += 1;
  }
}

/** The counters of the releases seen lately; of more than 32, those first seen are forgotten. */
export class EdgeMetrics {
  readonly #releases = new Map<string, ReleaseMetrics>();

  of(release: string): ReleaseMetrics {
    const known = this.#releases.get(release);
    if (known !== undefined) return known;
    const fresh = new ReleaseMetrics(release);
    this.#releases.set(release, fresh);
    if (this.#releases.size > MAX_RELEASES) this.#releases.delete(this.#releases.keys().next().value!);
    return fresh;
  }

  all(): ReleaseMetrics[] {
    return [...this.#releases.values()];
  }
}

export interface InstanceGauge {
  instance: string;
  release: string;
  inFlight: number;
  healthy: boolean;
}

/** Prometheus text format 0.0.4. */
export function prometheusText(metrics: EdgeMetrics, instances: InstanceGauge[]): string {
  const releases = metrics.all();
  const counters: [string, string, (one: ReleaseMetrics) => number][] = [
    ["tminus_edge_requests_total", "Requests given to the release.", (one) => one.requests],
    ["tminus_edge_errors_total", "Requests answered with 5xx or without an answer.", (one) => one.errors],
    [
      "tminus_edge_diverted_total",
      "Requests sent elsewhere while the release was down.",
      (one) => one.diverted,
    ],
  ];
  const lines: string[] = [];
  for (const [name, help, value] of counters) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} counter`);
    for (const one of releases) lines.push(`${name}{release=${quote(one.release)}} ${value(one)}`);
  }
  lines.push(
    "# HELP tminus_edge_latency_seconds Time until the response headers.",
    "# TYPE tminus_edge_latency_seconds histogram",
  );
  for (const one of releases) lines.push(...histogramLines(one));
  lines.push("# HELP tminus_edge_in_flight Requests under way.", "# TYPE tminus_edge_in_flight gauge");
  for (const one of instances) lines.push(`tminus_edge_in_flight${labels(one)} ${one.inFlight}`);
  lines.push(
    "# HELP tminus_edge_instance_up Whether connections succeed.",
    "# TYPE tminus_edge_instance_up gauge",
  );
  for (const one of instances) lines.push(`tminus_edge_instance_up${labels(one)} ${one.healthy ? 1 : 0}`);
  return `${lines.join("\n")}\n`;
}

/** The buckets as a histogram counts them: each holds all that took at most its bound; the last bound is Infinity. */
export function cumulativeBuckets(one: ReleaseMetrics): { leMs: number; count: number }[] {
  let count = 0;
  return Array.from(one.buckets, (bucket, index) => {
    count += bucket;
    return { leMs: latencyBoundsMs[index] ?? Infinity, count };
  });
}

function histogramLines(one: ReleaseMetrics): string[] {
  const release = `release=${quote(one.release)}`;
  const cumulative = cumulativeBuckets(one);
  const name = "tminus_edge_latency_seconds";
  return [
    ...cumulative.map(({ leMs, count }) => `${name}_bucket{${release},le="${bound(leMs)}"} ${count}`),
    `${name}_sum{${release}} ${one.sumMs / 1000}`,
    `${name}_count{${release}} ${cumulative.at(-1)!.count}`,
  ];
}

function bound(ms: number): string {
  return ms === Infinity ? "+Inf" : String(ms / 1000);
}

function labels(one: InstanceGauge): string {
  return `{instance=${quote(one.instance)},release=${quote(one.release)}}`;
}

function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
