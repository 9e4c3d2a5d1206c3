import { extremesOf } from "../../lib/extremes.ts";
import type { WatchDefinition } from "../../watch/fold/definition.ts";
import { isFinal, type Look, type TickState } from "../../watch/fold/look.ts";
import type { RuleState } from "../../watch/fold/rule-state.ts";
import { stageAt } from "./ask-source.ts";

/**
 * What was seen of every rule over the watch, for the evidence and for charts, by "rule/source". About 240 rows each,
 * spread over the rule's time: of each part of it the lowest value, the highest and the last, so that no peak is lost,
 * and the last row without a value. Which rows are kept depends on the time of the data alone, not on when somebody
 * looked.
 */
export type History = Record<string, Row[]>;

/**
 * End of the data in ms since 1970, state, value in the rule's unit, requests or points in its window, e-value. Without
 * a value nothing is known since the row before.
 */
export type Row = [
  atMs: number,
  state: TickState,
  value: number | null,
  count: number | null,
  evidence: number | null,
];

const MAX_ROWS = 240;
const MIN_ROWS = 24;
const ALL_ROWS = 720;
/** The lowest, the highest and the last. */
const ROWS_OF_PART = 3;

export const emptyHistory: History = {};

/**
 * Adds what a look has made of a rule. Looks without an answer that a source has made good for meanwhile leave nothing;
 * where nobody looked, and it cannot be asked for any more, there is a row that says so.
 */
export function recordRow(
  history: History,
  watch: WatchDefinition,
  look: Look,
  before: RuleState,
  after: RuleState,
): History {
  const { tick, confident } = after;
  const own = watch.rules.find(({ rule }) => rule.name === look.rule);
  if (tick === null || own === undefined) return history;
  const key = `${look.rule}/${look.source}`;
  const known = history[key] ?? [];
  const row: Row = [
    tick.atMs,
    tick.state,
    tick.value === undefined ? null : Number(tick.value.toPrecision(6)),
    tick.count ?? null,
    confident === undefined ? null : Number(confident.value.toPrecision(4)),
  ];
  const isAnswered = isFinal(look) && after.cursorMs === look.toMs;
  const added = isAnswered
    ? [...known.filter(([atMs]) => atMs <= look.fromMs), ...missedRows(watch, look, before), row]
    : [...known.filter(([atMs, , value]) => value !== null || atMs < row[0]), row];
  const maxRows = maxRowsOf(watch);
  const partMs = (ROWS_OF_PART * (own.untilMs - own.fromMs)) / maxRows;
  const partOf = ([atMs]: Row): number => Math.floor((atMs - own.fromMs) / partMs);
  const newest = partOf(row);
  const first = added.findIndex((one) => partOf(one) === newest);
  return {
    ...history,
    [key]: [...added.slice(0, first), ...thinned(added.slice(first))].slice(-2 * maxRows),
  };
}

/** Nobody looked for as long as a pause, and what was then is lost. */
function missedRows({ stages }: WatchDefinition, { fromMs }: Look, { cursorMs }: RuleState): Row[] {
  return fromMs - cursorMs >= stageAt(stages, cursorMs).everyMs ? [[fromMs, "MISSED", null, null, null]] : [];
}

/** A value of too few requests to say anything is no extreme beside one that says something. */
function thinned(rows: readonly Row[]): Row[] {
  const isJudged = ([, state, value]: Row): boolean =>
    value !== null && (state === "OK" || state === "BREACH");
  const judged = rows.some(isJudged);
  const last = rows.findLast(([, , value]) => value !== null);
  const kept = new Set(
    extremesOf(
      rows.filter((row) => !judged || row[2] === null || isJudged(row)),
      ([, , value]) => value ?? undefined,
    ),
  );
  return rows.filter((row) => kept.has(row) || row === last);
}

/** The more there is to keep apart, the fewer each. */
function maxRowsOf({ rules }: WatchDefinition): number {
  const series = rules.reduce((sum, { sources }) => sum + sources.length, 0);
  return Math.max(MIN_ROWS, Math.min(MAX_ROWS, Math.floor(ALL_ROWS / Math.max(1, series))));
}
