import { column } from "./columns.ts";
import { cumulativeBuckets, type EdgeMetrics, type ReleaseMetrics } from "./metrics.ts";

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
    [
      "tminus_edge_bad_clients_total",
      "Clients with a bad answer, each counted once in 10 s.",
      (one) => one.totals[column.badClients]!,
    ],
    [
      "tminus_edge_new_clients_total",
      "Clients without a bucket that were given one of the release.",
      (one) => one.totals[column.newClients]!,
    ],
    [
      "tminus_edge_repeated_errors_total",
      "Errors and diverted requests beyond what one client can contribute.",
      (one) => one.totals[column.repeated]!,
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

function histogramLines(one: ReleaseMetrics): string[] {
  const release = `release=${quote(one.release)}`;
  const cumulative = cumulativeBuckets(one);
  const name = "tminus_edge_latency_seconds";
  return [
    ...cumulative.map(({ leMs, count }) => `${name}_bucket{${release},le="${bound(leMs)}"} ${count}`),
    `${name}_sum{${release}} ${one.totals[column.sumMs]! / 1000}`,
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
