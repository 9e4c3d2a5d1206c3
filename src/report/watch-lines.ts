import { formatDuration, formatOffset } from "../lib/duration.ts";
import type { EvidenceMeter, Forthcoming, RuleReport, WatchReport } from "../model/watch-report.ts";
import { clean, truncate, wrap, type Paint, type Style } from "./text.ts";

export interface WatchLinesOptions {
  columns: number;
  style: Style;
  /** Spaces in front of every line. */
  indent: number;
  /** T-0 of the run, when it has come. */
  zeroAt?: Date | undefined;
}

/**
 * A watch that goes on, for people: every rule as a sentence with its value, how far its evidence is, and what comes of
 * it; then when it looks again and when it ends. No line is wider than `columns`.
 */
export function watchLines(report: WatchReport, now: Date, options: WatchLinesOptions): string[] {
  return [
    ...report.rules.flatMap((rule) => ruleLines(rule, now, options)),
    ...endLines(report, now, options),
  ];
}

/** How far evidence is on its way: "███░░░░░░░┃░░░░░░░░░░", with a mark where the release is held. */
export function meterText({ percent, holdPercent }: EvidenceMeter): string {
  const filled = Math.round((percent / 100) * METER_CELLS);
  const cells = "█".repeat(filled) + "░".repeat(METER_CELLS - filled);
  const mark = Math.round((holdPercent / 100) * METER_CELLS);
  return `${cells.slice(0, mark)}┃${cells.slice(mark)}`;
}

const METER_CELLS = 20;

/** How long until a moment: "12 s", "now". */
export function timeUntil(atMs: number, now: Date): string {
  const ms = atMs - now.getTime();
  if (ms <= 0) return "now";
  return ms < 60_000 ? `${Math.ceil(ms / 1000)} s` : formatDuration(ms);
}

function ruleLines(rule: RuleReport, now: Date, { columns, style, indent }: WatchLinesOptions): string[] {
  const shadow = rule.isShadow ? " (shadow)" : "";
  const outer = " ".repeat(indent);
  const inner = " ".repeat(indent + 2);
  const lines: string[] = [];
  const add = (text: string, paint?: Paint): void => {
    const wrapped = wrap(clean(text), columns, inner, `${inner}  `).map((line) => truncate(line, columns));
    lines.push(...wrapped.map((line) => (paint === undefined ? line : style[paint](line))));
  };
  if (rule.accepted !== undefined) add(`${rule.accepted.by} let it stand`, "yellow");
  for (const { name, state, value, meter, next } of rule.sources) {
    const of = rule.sources.length === 1 ? "" : `${name}: `;
    const comes = next === undefined ? "" : forthcomingText(next, now);
    const paint = PAINTS[state];
    if (meter === undefined) add(`${of}${value} · ${state} · ${comes}`, paint);
    else {
      add(`${of}${value} · ${state}`, paint);
      add(
        `${meterText(meter)} evidence ${evidenceText(meter.value)}: ${comes}`,
        meter.percent > 0 ? paint : undefined,
      );
    }
  }
  if (rule.probe !== undefined) {
    const { state, value, next } = rule.probe;
    add(`${value} · ${state}${next === undefined ? "" : ` · ${forthcomingText(next, now)}`}`, PAINTS[state]);
  }
  const title = wrap(clean(`${rule.name}${shadow}: ${rule.sentence}`), columns, outer, inner);
  return [...title.map((line) => truncate(line, columns)), ...lines];
}

/** By the word for how a source is; the word itself is always there. */
const PAINTS: Readonly<Record<string, Paint | undefined>> = {
  breach: "yellow",
  held: "yellow",
  failed: "red",
  error: "red",
  stale: "red",
  nodata: "yellow",
  unknown: "yellow",
};

function endLines(
  { next, stages, endsAtMs }: WatchReport,
  now: Date,
  { columns, style, indent, zeroAt }: WatchLinesOptions,
): string[] {
  if (next === undefined) return [];
  const lines: string[] = [];
  const outer = " ".repeat(indent);
  const add = (text: string, paint: Paint): void => {
    lines.push(
      ...wrap(clean(text), columns, outer, `${outer}  `).map((line) => style[paint](truncate(line, columns))),
    );
  };
  if (next.blind !== undefined) {
    const { rules, sinceMs, consequence } = next.blind;
    const since = formatDuration(Math.max(0, now.getTime() - sinceMs));
    add(
      `blind since ${since} (${rules.join(", ")}): the clock stands still; ${forthcomingText(consequence, now)}`,
      "red",
    );
  }
  const nowMs = now.getTime();
  const stage = stages.find(({ untilMs }) => nowMs < untilMs) ?? stages.at(-1);
  const cadence = stage === undefined ? "" : ` (every ${formatDuration(stage.everyMs)})`;
  const offset = zeroAt === undefined ? "" : `, ${formatOffset(endsAtMs - zeroAt.getTime())}`;
  const end = `${new Date(endsAtMs).toISOString().slice(11, 19)}Z${offset}`;
  const ends =
    endsAtMs <= nowMs
      ? `was to end at ${end}`
      : `ends in ${timeUntil(endsAtMs, now)} (${end}) unless a rule stops it`;
  add(`next look ${inText(next.lookAtMs, now)}${cadence} · ${ends}`, "dim");
  return lines;
}

function forthcomingText({ text, atMs }: Forthcoming, now: Date): string {
  return atMs === undefined ? text : `${text} ${inText(atMs, now)}`;
}

function inText(atMs: number, now: Date): string {
  const until = timeUntil(atMs, now);
  return until === "now" ? until : `in ${until}`;
}

function evidenceText(value: number): string {
  return value >= 1e6 ? value.toExponential(1) : String(Number(value.toPrecision(2)));
}
