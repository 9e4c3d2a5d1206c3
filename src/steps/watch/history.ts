import type { Json } from "../../model/json.ts";
import type { WatchState } from "../../watch/fold.ts";

/**
 * What was seen, for the evidence: the whole watch in at most 240 rows, evenly spread, and the newest ones in
 * full. Plain JSON.
 */
export interface History {
  /** One of so many ticks is kept. */
  stride: number;
  ticks: number;
  rows: Row[];
  /** The newest, every one. */
  recent: Row[];
}

export interface Row {
  at: string;
  rules: Record<string, Json>;
  probes: Record<string, Json>;
}

const MAX_ROWS = 240;
const MAX_RECENT = 60;

export const emptyHistory: History = { stride: 1, ticks: 0, rows: [], recent: [] };

/** Adds what the state says at this tick. When the rows are full, every second one is dropped. */
export function record(history: History, state: WatchState, atMs: number): History {
  const row = rowOf(state, atMs);
  const recent = [...history.recent, row].slice(-MAX_RECENT);
  const next = { ...history, ticks: history.ticks + 1, recent };
  if (history.ticks % history.stride !== 0) return next;
  const rows = [...history.rows, row];
  if (rows.length <= MAX_ROWS) return { ...next, rows };
  return { ...next, rows: rows.filter((_, index) => index % 2 === 0), stride: history.stride * 2 };
}

function rowOf(state: WatchState, atMs: number): Row {
  const rules = Object.entries(state.rules).map(([id, rule]) => {
    const { status } = rule;
    const name = rule.breach === null ? status.state : "broken";
    const value = "value" in status ? { value: Number(status.value.toPrecision(6)) } : {};
    const requests = "requests" in status ? { requests: status.requests } : {};
    const reason = "reason" in status ? { reason: status.reason } : {};
    return [id, { state: name, ...value, ...requests, ...reason }] as const;
  });
  const probes = Object.entries(state.probes).map(
    ([id, { last }]) => [id, last === null ? "not asked" : { ...last }] as const,
  );
  return {
    at: new Date(atMs).toISOString(),
    rules: Object.fromEntries(rules),
    probes: Object.fromEntries(probes),
  };
}
