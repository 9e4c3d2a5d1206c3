import { describe, expect, it } from "vitest";
import { cumulativeBuckets, EdgeMetrics } from "../../../../src/providers/local/edge/metrics.ts";
import { prometheusText } from "../../../../src/providers/local/edge/prometheus-text.ts";

describe("the metrics", () => {
  it("count a latency in the bucket of its upper bound, cumulated", () => {
    const one = new EdgeMetrics().of("v1");
    for (const ms of [5, 5.1, 2000, 2000.5, 60_000]) one.count(ms);
    const at = (leMs: number) => cumulativeBuckets(one).find((bucket) => bucket.leMs === leMs)?.count;
    expect([at(5), at(10), at(1500), at(2000), at(2500), at(10_000), at(Infinity)]).toEqual([
      1, 2, 2, 3, 4, 4, 5,
    ]);
  });

  it("are readable by Prometheus", () => {
    const metrics = new EdgeMetrics();
    metrics.of('v"1\\').count(500, "10.0.0.1");
    metrics.of('v"1\\').countNewClient();
    const text = prometheusText(metrics, [{ instance: "a", release: "v1", inFlight: 2, healthy: false }]);
    const release = 'release="v\\"1\\\\"';
    expect(text).toContain(`tminus_edge_requests_total{${release}} 1\n`);
    expect(text).toContain(`tminus_edge_errors_total{${release}} 1\n`);
    expect(text).toContain(`tminus_edge_new_clients_total{${release}} 1\n`);
    expect(text).toContain(`tminus_edge_repeated_errors_total{${release}} 0\n`);
    expect(text).toContain(`tminus_edge_latency_seconds_bucket{${release},le="0.25"} 0\n`);
    expect(text).toContain(`tminus_edge_latency_seconds_bucket{${release},le="0.5"} 1\n`);
    expect(text).toContain(`tminus_edge_latency_seconds_bucket{${release},le="+Inf"} 1\n`);
    expect(text).toContain(`tminus_edge_latency_seconds_sum{${release}} 0.5\n`);
    expect(text).toContain('tminus_edge_in_flight{instance="a",release="v1"} 2\n');
    expect(text).toContain('tminus_edge_instance_up{instance="a",release="v1"} 0\n');
    for (const line of text.trimEnd().split("\n")) {
      expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{.*\})? [0-9.e+-]+)$/);
    }
  });

  it("forget the releases first seen when there are more than 32", () => {
    const metrics = new EdgeMetrics();
    for (let index = 0; index < 40; index++) metrics.of(`v${index}`);
    expect(metrics.all()).toHaveLength(32);
    expect(metrics.all()[0]?.release).toBe("v8");
  });
});
