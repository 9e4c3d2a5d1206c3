import { formatDuration } from "../lib/duration.ts";
import type { ProbeState, RuleState, WatchDefinition, WatchState } from "./fold.ts";
import { formatValue, limitOf, type Rule } from "./rule.ts";

/** One line with every rule's and probe's present value: "errors 0.4 % of 312 ok · health ok 12 ms · 42 s left". */
export function statusLine(definition: WatchDefinition, state: WatchState, atMs: number): string {
  const rules = definition.rules.map((rule) => `${rule.id} ${ruleText(rule, state.rules[rule.id])}`);
  const probes = definition.probes.map((probe) => `${probe.id} ${probeText(state.probes[probe.id])}`);
  const leftMs = state.endsAtMs - atMs;
  const left = leftMs > 0 ? `${formatDuration(Math.ceil(leftMs / 1000) * 1000)} left` : "time is over";
  return [...rules, ...probes, left].join(" · ");
}

function ruleText(rule: Rule, state: RuleState | undefined): string {
  if (state === undefined) return "not looked at";
  if (state.accepted !== null) return `accepted by ${state.accepted.by}`;
  if (state.breach !== null)
    return `BROKEN ${formatValue(rule, state.breach.value)} of ${state.breach.requests}, ${limitOf(rule)}`;
  const { status } = state;
  if ("reason" in status) return `${blindness[status.state]}: ${status.reason}`;
  if (status.state === "pending") return "not seen yet";
  if (status.state === "insufficient") return `${status.requests} requests, too few to judge`;
  const value = `${formatValue(rule, status.value)} of ${status.requests}`;
  if (status.state === "ok") return `${value} ok`;
  return `${value}, ${limitOf(rule)} for ${formatDuration(status.heldMs)} of ${rule.for}`;
}

const blindness = { "no-data": "no data", stale: "old data", error: "could not be read" };

function probeText(state: ProbeState | undefined): string {
  if (state === undefined || state.last === null) return "not asked yet";
  if (state.accepted !== null) return `accepted by ${state.accepted.by}`;
  if (state.last.outcome === "ok") return `ok ${formatDuration(state.last.latencyMs)}`;
  if (state.last.outcome === "failed") return `failed ${state.failuresInRow} in a row: ${state.last.reason}`;
  return `could not be asked: ${state.last.reason}`;
}
