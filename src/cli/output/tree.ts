import { momentsOf } from "../../model/timeline.ts";
import type { WatchedStep } from "../../model/tminus.ts";
import { releaseChange } from "../../report/release-change.ts";
import { countdownText } from "../../report/timeline-text.ts";
import { currentStep, nextStep, type RunView, type StageView, type StepView } from "../../report/run-view.ts";
import {
  joinSegments,
  padTo,
  truncate,
  widthOf,
  wrap,
  type Paint,
  type Segment,
  type Style,
} from "../../report/text.ts";
import {
  elapsed,
  lateText,
  runMark,
  stageDuration,
  stageState,
  stepDuration,
  stepMarks,
  verdictText,
} from "../../report/run-marks.ts";
import { outcomeText, queuedText, waitingText } from "./run-words.ts";
import { watchedText } from "./watch-words.ts";

export interface TreeOptions {
  columns: number;
  /** Lines that fit on the screen; stages that are not at work are folded when there are more. No limit when left out. */
  rows?: number;
  style: Style;
  /** What steps have seen of the rules that they watch. */
  watched?: readonly WatchedStep[];
}

const WORD_WIDTH = 10;
const MAX_TITLE_WIDTH = 36;
const NARROW = 60;

/** A run as a tree. No line is wider than `columns`. Pure: the same view and time give the same lines. */
export function renderTree(
  view: RunView,
  now: Date,
  { columns, rows, style, watched = [] }: TreeOptions,
): string[] {
  const draw = (isFolded: boolean): string[] => [
    ...headerLines(view, now, columns, style),
    ...view.stages.flatMap((stage) => stageLines(stage, view, now, { columns, style, isFolded, watched })),
    ...footerLines(view, now, columns, style),
  ];
  const full = draw(false);
  if (rows === undefined || full.length <= rows) return full;
  const folded = draw(true);
  if (folded.length <= rows) return folded;
  const hidden = folded.length - rows + 1;
  const from = Math.min(2, rows - 1);
  return [
    ...folded.slice(0, from),
    style.dim(truncate(`… ${hidden} more lines`, columns)),
    ...folded.slice(from + hidden),
  ];
}

function headerLines(view: RunView, now: Date, columns: number, style: Style): string[] {
  const { word, paint } = runMark(view);
  const rest = [
    `run ${view.runId}`,
    ...(view.purpose === "rollback" ? ["rollback"] : []),
    releaseChange(view),
    elapsed(view, now),
    `by ${view.createdBy}`,
  ].join(" · ");
  const place = `${view.environment} · ${view.project}  `;
  const title: Segment[] = [
    { text: place, paint: "bold" },
    { text: word, paint },
  ];
  if (columns >= NARROW && widthOf(place + word + rest) + 2 <= columns) {
    return [joinSegments([...title, { text: `  ${rest}` }], columns, style)];
  }
  return [joinSegments(title, columns, style), ...wrap(rest, columns)];
}

interface StageOptions {
  columns: number;
  style: Style;
  isFolded: boolean;
  watched: readonly WatchedStep[];
}

function stageLines(stage: StageView, view: RunView, now: Date, options: StageOptions): string[] {
  const { columns, style, isFolded, watched } = options;
  const state = stageState(stage);
  const { icon, word, paint } = stepMarks[state];
  const line = joinSegments(
    [
      { text: `${icon} `, paint },
      { text: stage.title, paint: "bold" },
      { text: `  ${word}`, paint },
      { text: spaced(stageDuration(stage, now)), paint: "dim" },
    ],
    columns,
    style,
  );
  if (isFolded && !stage.steps.includes(currentStep(view)!)) return [line];
  const titleWidth = Math.min(MAX_TITLE_WIDTH, Math.max(...stage.steps.map((step) => widthOf(nameOf(step)))));
  return [
    line,
    ...stage.steps.flatMap((step) => {
      const seen = isBusy(step) ? watched.find(({ stepId }) => stepId === step.id) : undefined;
      const lines = stepLines(step, now, { columns, style, titleWidth, isExplained: seen !== undefined });
      return seen === undefined
        ? lines
        : [...lines, ...watchedText(seen, view, now, { columns, style, indent: 6 })];
    }),
  ];
}

function isBusy({ state }: StepView): boolean {
  return state === "running" || state === "waiting" || state === "undoing";
}

function stepLines(
  step: StepView,
  now: Date,
  {
    columns,
    style,
    titleWidth,
    isExplained,
  }: { columns: number; style: Style; titleWidth: number; isExplained: boolean },
): string[] {
  const { icon, word, paint } = stepMarks[step.state];
  const isBad = step.state === "failed" || step.state === "undo-failed" || step.state === "parked";
  const isNarrow = columns < NARROW;
  const duration = spaced(stepDuration(step, now));
  const note = isExplained ? "" : isBusy(step) ? step.progress : step.reason;
  const room = columns - WORD_WIDTH - 5 - widthOf(duration);
  const name = truncate(nameOf(step), isNarrow ? room : MAX_TITLE_WIDTH);
  const hasMore = duration !== "" || note !== "";
  const segments: Segment[] = [
    { text: `  ${icon} ${padTo(word, WORD_WIDTH)} `, paint },
    { text: isNarrow || !hasMore ? name : padTo(name, titleWidth) },
    { text: duration, paint: "dim" },
  ];
  if (step.lateMs !== undefined) segments.push({ text: `  ${lateText(step.lateMs)}`, paint: "yellow" });
  if (step.tries > 1) segments.push({ text: `  try ${step.tries}`, paint: "yellow" });
  if (note === "") return [joinSegments(segments, columns, style)];
  if (!isNarrow && !isBad && !isBusy(step)) segments.push({ text: `  ${note}`, paint: "dim" });
  const line = joinSegments(segments, columns, style);
  if (isBad)
    return [
      line,
      ...wrap(note, columns, "      ")
        .slice(0, 4)
        .map((text) => style.red(text)),
    ];
  if (isBusy(step)) return [line, style.dim(truncate(`      ${note}`, columns))];
  return [line];
}

function footerLines(view: RunView, now: Date, columns: number, style: Style): string[] {
  const lines: string[] = [];
  const add = (label: string, text: string, paint: Paint): void => {
    lines.push(...wrap(`${label} ${text}`, columns, "", "  ").map((line) => style[paint](line)));
  };
  if (view.state === "ended") {
    const { icon, word, paint } = runMark(view);
    for (const { stepId, reason } of view.notUndone) add("not undone:", `${stepId}: ${reason}`, "red");
    if (view.cure?.verdict === "pass")
      add("after the rollback:", `${view.cure.verdict}, ${view.cure.reason}`, "dim");
    add(`${icon} ${word}`, outcomeText(view), paint);
    return lines;
  }
  if (view.state === "queued") add("○", queuedText(view, now), "yellow");
  if (view.verdict !== undefined) add("↶", verdictText(view.verdict), "yellow");
  if (view.waitingFor !== undefined)
    add("◆ waiting:", waitingText(view.runId, view.waitingFor, now), "yellow");
  if (view.takes > 1) add("!", `taken over ${view.takes - 1} times after a worker was lost`, "dim");
  const countdown = view.verdict === undefined ? countdownText(view.timeline, view.zeroAt, now) : undefined;
  if (countdown !== undefined)
    lines.push(...wrap(countdown, columns, "", "  ").map((line) => style.cyan(line)));
  const next = view.state === "queued" ? undefined : nextStep(view);
  const isTold = countdown !== undefined && momentsOf(view.timeline).some(({ step }) => step === next?.id);
  if (next !== undefined && !isTold) add("next:", nameOf(next), "dim");
  return lines;
}

function nameOf(step: StepView): string {
  return step.title === step.id ? step.id : `${step.id} ${step.title}`;
}

function spaced(text: string): string {
  return text === "" ? "" : `  ${text}`;
}
