import { deadline } from "../../lib/clock.ts";
import { parseDuration } from "../../lib/duration.ts";
import { request } from "../../lib/http.ts";
import type { Reading, SignalSource } from "../../model/ports.ts";
import type { StepContext } from "../../model/step-kind.ts";
import type { ProbeOutcome, TickInput } from "../../watch/fold.ts";
import type { Probe } from "../../watch/rule.ts";
import type { WatchSettings } from "./schema.ts";

const READ_LIMIT_MS = 2000;

/** Reads every source and asks every probe at once. Throws only the reason of the context's signal. */
export async function look(context: StepContext<WatchSettings, null>): Promise<TickInput> {
  const { with: settings, signals, environment, signal } = context;
  const names = [...new Set(settings.rules.map((rule) => rule.source))].filter((name) =>
    Object.hasOwn(signals, name),
  );
  const [readings, probes] = await Promise.all([
    Promise.all(names.map(async (name) => [name, await read(signals[name]!, context)] as const)),
    Promise.all(
      settings.probes.map(async (probe) => [probe.id, await ask(probe, environment.url, signal)] as const),
    ),
  ]);
  signal.throwIfAborted();
  return { readings: Object.fromEntries(readings), probes: Object.fromEntries(probes) };
}

async function read(
  source: SignalSource,
  { clock, signal }: StepContext<WatchSettings, null>,
): Promise<Reading> {
  const limit = deadline(READ_LIMIT_MS, signal);
  const late = new Promise<Reading>((resolve) => {
    const reason = `${source.name} did not answer within ${READ_LIMIT_MS} ms`;
    limit.addEventListener("abort", () => resolve({ state: "error", at: clock.now(), reason }), {
      once: true,
    });
  });
  try {
    return await Promise.race([source.read(limit), late]);
  } catch (error) {
    // A source must not throw; one that does all the same says nothing about the release.
    const reason = error instanceof Error ? error.message : String(error);
    return { state: "error", at: clock.now(), reason };
  }
}

async function ask(probe: Probe, baseUrl: string, signal: AbortSignal): Promise<ProbeOutcome> {
  const url = baseUrl.replace(/\/+$/, "") + probe.path;
  const timeoutMs = parseDuration(probe.maxLatency) ?? 0;
  const outcome = await request({
    url,
    timeoutMs,
    signal,
    fresh: true,
    headers: { "user-agent": "tminus-watch" },
  });
  if (outcome.kind === "timeout") return { outcome: "failed", reason: outcome.reason };
  if (outcome.kind === "network-error")
    return { outcome: outcome.local ? "unknown" : "failed", reason: outcome.reason };
  if (outcome.status === probe.expectStatus)
    return { outcome: "ok", latencyMs: Math.round(outcome.durationMs) };
  return { outcome: "failed", reason: `answered ${outcome.status}` };
}
