import type { WatchedStep } from "../../model/tminus.ts";
import type { RunView } from "../../report/run-view.ts";
import { clean, plainStyle, truncate, type Style } from "../../report/text.ts";
import { watchLines } from "../../report/watch-lines.ts";

export interface WatchWordsOptions {
  columns: number;
  style: Style;
  indent: number;
}

/** What a step has seen of its rules, or why that is not known. */
export function watchedText(
  { report, unknown = "" }: WatchedStep,
  { zeroAt }: RunView,
  now: Date,
  { columns, style, indent }: WatchWordsOptions,
): string[] {
  if (report === undefined) return [style.dim(truncate(`${" ".repeat(indent)}${clean(unknown)}`, columns))];
  return watchLines(report, now, { columns, style, indent, zeroAt });
}

/** The rules of a watch, behind a line of a printed log. */
export function watchedLines(step: WatchedStep, view: RunView, now: Date): string[] {
  return watchedText(step, view, now, { columns: LOG_COLUMNS, style: plainStyle, indent: LOG_INDENT });
}

/** How the rules are, in words that change when something happens; empty when nothing is known. */
export function statesOf({ report }: WatchedStep): string {
  return (report?.rules ?? [])
    .flatMap(({ name, verdict, sources, probe }) => [
      name,
      verdict,
      ...[...(probe === undefined ? [] : [probe]), ...sources].map(({ state }) =>
        QUIET_STATES.has(state) ? "" : state,
      ),
    ])
    .join(" ");
}

/** One for the other is no news. */
const QUIET_STATES = new Set(["ok", "unsure", "pending"]);

const LOG_COLUMNS = 120;
/** Behind "10:02:41Z  ". */
const LOG_INDENT = 11;
