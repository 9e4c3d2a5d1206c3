import { scaleLinear, scaleLog } from "d3-scale";
import type { EvidenceMeter, RuleSeries } from "../../model/watch-report.ts";

export interface ValueAxis {
  y(value: number): number;
  ticks: { y: number; text: string }[];
  /** The highest value, of too few requests, that does not fit. */
  beyond?: { value: number; count: number | undefined };
}

/** A value of too few requests makes the scale at the most so many times as high. */
const MAX_UNSURE = 2;
const LARGE = 100_000;

/** From 0, or below it, to the highest value or the limit. */
export function valueAxis(
  { rows, limit, unit }: RuleSeries,
  [top, bottom]: readonly [number, number],
): ValueAxis {
  const sure = rows.flatMap(({ state, value }) => (value === undefined || state === "unsure" ? [] : [value]));
  const unsure = rows.filter(({ state, value }) => value !== undefined && state === "unsure");
  const limits = limit === undefined ? [] : [limit];
  const high = Math.max(0, ...sure, ...limits);
  const highest = unsure.reduce<(typeof unsure)[number] | undefined>(
    (best, row) => (best === undefined || row.value! > best.value! ? row : best),
    undefined,
  );
  const isBeyond = highest !== undefined && high > 0 && highest.value! > MAX_UNSURE * high;
  const low = Math.min(0, ...sure, ...limits, ...unsure.map(({ value }) => value!));
  const reach = isBeyond ? MAX_UNSURE * high : Math.max(high, highest?.value ?? 0);
  const scale = scaleLinear([low, reach > low ? reach * 1.05 : low + 1], [bottom, top]).nice(4);
  const format = scale.tickFormat(4, reach >= LARGE ? "~s" : undefined);
  return {
    y: (value) => scale(value),
    ticks: scale.ticks(4).map((value) => ({ y: scale(value), text: withUnit(format(value), unit) })),
    ...(isBeyond ? { beyond: { value: highest.value!, count: highest.count } } : {}),
  };
}

/** On the ticks a unit has to be short; a longer one stands above the axis. */
export function isShortUnit(unit: string): boolean {
  return unit.length <= 2;
}

export function withUnit(text: string, unit: string): string {
  return unit !== "" && isShortUnit(unit) ? `${text}\u00a0${unit}` : text;
}

/** "2.63 %" */
export function valueText(value: number, unit: string): string {
  return `${Number(value.toPrecision(3)).toLocaleString("en-US")} ${unit}`.trim();
}

/** Evidence on a logarithmic scale from 1 on; what is far beyond the rollback stays at the edge. */
export function evidenceScale(
  { roll }: EvidenceMeter,
  [top, bottom]: readonly [number, number],
): (value: number) => number {
  const scale = scaleLog([1, 10 * roll], [bottom, top]).clamp(true);
  return (value) => scale(Math.max(1, value));
}
