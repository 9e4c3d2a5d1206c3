import type { RuleSeries, SeriesRow } from "../model/watch-report.ts";

const BARS = "▁▂▃▄▅▆▇█";
const COLUMNS = 48;

/**
 * Values over time in one line of at most 48 characters, from 0 or the lowest to the highest. A character is the highest
 * value of its part of the time, or · where there is none; undefined when there is no value at all.
 */
export function sparkline({ rows }: Pick<RuleSeries, "rows">): string | undefined {
  const valued = rows.filter(({ value }) => value !== undefined);
  const [first] = rows;
  const last = rows.at(-1);
  if (valued.length === 0 || first === undefined || last === undefined) return undefined;
  const columns = Math.min(COLUMNS, rows.length);
  const spanMs = last.atMs - first.atMs;
  const columnOf = ({ atMs }: SeriesRow): number =>
    spanMs === 0 ? 0 : Math.min(columns - 1, Math.floor((columns * (atMs - first.atMs)) / spanMs));
  const highest: (number | undefined)[] = Array.from({ length: columns }, () => undefined);
  for (const row of valued) {
    const column = columnOf(row);
    highest[column] = Math.max(highest[column] ?? -Infinity, row.value!);
  }
  // Between two looks that were answered nothing is missing, however few there are.
  for (let at = 1; at < rows.length; at++) {
    const [before, after] = [rows[at - 1]!, rows[at]!];
    if (before.value === undefined || after.value === undefined) continue;
    for (let column = columnOf(before) + 1; column < columnOf(after); column++) highest[column] = after.value;
  }
  const low = Math.min(0, ...valued.map(({ value }) => value!));
  const high = Math.max(...valued.map(({ value }) => value!));
  return highest.map((value) => (value === undefined ? "·" : barOf(value, low, high))).join("");
}

function barOf(value: number, low: number, high: number): string {
  const share = high === low ? 0 : (value - low) / (high - low);
  return BARS[Math.min(BARS.length - 1, Math.floor(share * BARS.length))]!;
}
