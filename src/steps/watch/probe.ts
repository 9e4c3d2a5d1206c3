import { parseDuration } from "../../lib/duration.ts";
import { request, type HttpOutcome } from "../../lib/http.ts";
import type { ProbeOutcome } from "../../watch/fold/probe-state.ts";
import type { ProbeSettings } from "./schema.ts";

const FALLBACK_LIMIT_MS = 5_000;

/** Asks an address once, on a connection of its own. Throws only the signal's reason. */
export async function askProbe(
  probe: ProbeSettings,
  baseUrl: string,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const timeoutMs = parseDuration(probe.maxLatency) ?? 0;
  return ask(
    baseUrl.replace(/\/+$/, "") + probe.path,
    timeoutMs,
    signal,
    (status) => status === probe.expectStatus,
  );
}

/**
 * Asks the public address itself, for want of anything else: any answer that is no failure of the server is good. When
 * nothing else could be reached either (`isCutOff`), no answer in time may be the fault of the network from here.
 */
export async function askPublicUrl(
  url: string,
  signal: AbortSignal,
  isCutOff: boolean,
): Promise<ProbeOutcome> {
  const headers = { "user-agent": "tminus-watch" };
  const outcome = await request({ url, timeoutMs: FALLBACK_LIMIT_MS, signal, fresh: true, headers });
  const heard = outcomeOf(outcome, (status) => status < 500);
  if (outcome.kind !== "timeout" || !isCutOff) return heard;
  return { outcome: "unknown", reason: `${outcome.reason}; nothing else can be reached from here either` };
}

async function ask(
  url: string,
  timeoutMs: number,
  signal: AbortSignal,
  isGood: (status: number) => boolean,
): Promise<ProbeOutcome> {
  const headers = { "user-agent": "tminus-watch" };
  return outcomeOf(await request({ url, timeoutMs, signal, fresh: true, headers }), isGood);
}

function outcomeOf(outcome: HttpOutcome, isGood: (status: number) => boolean): ProbeOutcome {
  if (outcome.kind === "timeout") return { outcome: "failed", reason: outcome.reason };
  if (outcome.kind === "network-error")
    return { outcome: outcome.local ? "unknown" : "failed", reason: outcome.reason };
  if (isGood(outcome.status)) return { outcome: "ok", latencyMs: Math.round(outcome.durationMs) };
  return { outcome: "failed", reason: `answered ${outcome.status}` };
}
