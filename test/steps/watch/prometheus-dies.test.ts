import { afterAll, beforeAll, expect, it } from "vitest";
import { every, systemClock } from "../../../src/lib/clock.ts";
import type { JsonObject } from "../../../src/model/json.ts";
import type { StepResult } from "../../../src/model/step-kind.ts";
import { prometheusSignals } from "../../../src/providers/signals/prometheus/index.ts";
import { watch } from "../../../src/steps/watch.ts";
import { createFakeStepWorld, FAKE_STEP_ID } from "../../../src/testing/fake-step-context.ts";
import { openMetricsServer, type MetricsServer } from "../../support/metrics-server.ts";
import { eventually } from "../../support/processes.ts";
import { hasPrometheus, openPrometheus, type PrometheusServer } from "../../support/prometheus.ts";
import { signalPorts } from "../../support/signal-ports.ts";

const isThere = await hasPrometheus();
let metrics: MetricsServer;
let server: PrometheusServer;
let stopTraffic: () => void;

beforeAll(async () => {
  if (!isThere) return;
  metrics = await openMetricsServer();
  stopTraffic = every(100, () => metrics.add('http_requests_total{status="200",release="v2"}', 20));
  server = await openPrometheus(metrics.target);
});

afterAll(async () => {
  stopTraffic?.();
  await server?.close();
  await metrics?.close();
});

it.skipIf(!isThere)(
  "a Prometheus that dies in mid-watch rolls nothing back and lets nothing pass, and what it lost is no proof when it is back",
  { timeout: 180_000 },
  async () => {
    const source = prometheusSignals.open(
      "prom",
      {
        url: server.url,
        lag: "3s",
        interval: "1s",
        queries: {
          error_rate: {
            bad: 'http_requests_total{status=~"5..", release="{release}"}',
            total: 'http_requests_total{release="{release}"}',
          },
        },
      },
      signalPorts(),
    );
    const world = createFakeStepWorld({
      clock: systemClock,
      sources: { prom: source },
      environment: { url: `http://${metrics.target}` },
    });
    const lengthMs = 20_000;
    const settings = watch.schema.parse({
      duration: "20s",
      every: "1s",
      burst: "1s",
      rules: ["errors: when error_rate > 2% -> rollback"],
    }) as JsonObject;
    const startedMs = systemClock.monotonicMs();
    let ended: StepResult | undefined;
    const running = watch.act(world.open(settings, null).context).then((result) => (ended = result));

    await eventually("it has seen something", () => world.progress.some((line) => / 0 of [1-9]/.test(line)));
    await server.kill();
    const isBlind = (): boolean => world.pages.some(({ text }) => text.startsWith("cannot see errors"));
    await eventually("it is blind", isBlind, 60_000);
    await eventually(
      "its time would be over",
      () => systemClock.monotonicMs() - startedMs > lengthMs + 5_000,
    );
    expect(ended).toBeUndefined();

    await server.restart();
    await eventually("it sees again, and asks about what is lost", () =>
      world.waits.some(({ text }) => text.startsWith("not proven good: errors: seen for ")),
    );
    world.send({ kind: "resolve", stepId: FAKE_STEP_ID, as: "retry", note: "" }, "kim");
    expect(await running).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
    expect(systemClock.monotonicMs() - startedMs).toBeGreaterThan(lengthMs);
  },
);
