import { scaleUtc } from "d3-scale";
import type { RuleReport, WatchReport } from "../../model/watch-report.ts";
import { textWidth } from "./svg.ts";
import type { Places } from "./series.ts";

/** A span of time in ms since 1970. */
export interface Span {
  fromMs: number;
  toMs: number;
}

const DAY_MS = 86_400_000;
/** Below that the seconds are shown. */
const SHORT_MS = 15 * 60_000;
/** What is left of a rule's time is shown only when it is no more than this part of it. */
const REST = 0.1;
const MAX_TICKS = 8;
const TICK_GAP = 12;
const MARGIN = 0.04;

/** The rule's time; of a rule that ended long before its time only what was seen. */
export function shownSpan(rule: RuleReport, { blindSpans }: Pick<WatchReport, "blindSpans">): Span {
  const moments = rule.sources.flatMap(({ series: { rows, failedAtMs } }) => [
    ...rows.slice(-1).map(({ atMs }) => atMs),
    ...(failedAtMs === undefined ? [] : [failedAtMs]),
  ]);
  const { fromMs, untilMs, accepted } = rule;
  const lastMs = Math.max(
    fromMs,
    ...moments,
    ...(accepted === undefined ? [] : [accepted.atMs]),
    ...blindSpans.map(({ toMs }) => Math.min(toMs, untilMs)),
  );
  const isWhole = untilMs - lastMs <= REST * (untilMs - fromMs);
  const toMs = isWhole ? Math.max(untilMs, lastMs) : lastMs + MARGIN * (lastMs - fromMs);
  return { fromMs, toMs: Math.max(fromMs + 1000, toMs) };
}

export interface TimeAxis {
  x: Places["x"];
  ticks: { x: number; text: string }[];
}

/** Ticks at round times of UTC; midnight has its date. */
export function timeAxis({ fromMs, toMs }: Span, [left, right]: readonly [number, number]): TimeAxis {
  const scale = scaleUtc([fromMs, toMs], [left, right]);
  const isShort = toMs - fromMs < SHORT_MS;
  const textOf = (at: Date): string => {
    const iso = at.toISOString();
    if (at.getTime() % DAY_MS === 0) return iso.slice(5, 10);
    return iso.slice(11, isShort ? 19 : 16);
  };
  return {
    x: (atMs) => scale(atMs),
    ticks: fewEnough((count) => scale.ticks(count).map((at) => ({ x: scale(at), text: textOf(at) }))),
  };
}

/** As many ticks as there is room for between their words. */
function fewEnough(ticksOf: (count: number) => TimeAxis["ticks"]): TimeAxis["ticks"] {
  for (let count = MAX_TICKS; count > 1; count--) {
    const ticks = ticksOf(count);
    const room = ticks.every(({ x, text }, index) => {
      const next = ticks[index + 1];
      return next === undefined || next.x - x >= textWidth(text) + TICK_GAP;
    });
    if (room) return ticks;
  }
  return ticksOf(1).slice(0, 1);
}

/** "10:03:05" */
export function clockText(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19);
}
