import { formatDuration } from "../../lib/duration.ts";
import type { PlannedStep } from "../../model/plan.ts";
import type { Attempt, RunEvent } from "../../model/run.ts";
import type { WatchedStep } from "../../model/tminus.ts";
import { emergencyLines } from "../../report/plan-text.ts";
import { shortHash } from "../../report/release-change.ts";
import { stepsIn, type RunView } from "../../report/run-view.ts";
import { clean, wrap, type Style } from "../../report/text.ts";
import { clockTime } from "./run-words.ts";
import { renderTree } from "./tree.ts";

interface TextOptions {
  columns: number;
  style: Style;
}

/** A run as its tree, then its rules, what people said, and where the evidence is. */
export function showText(
  view: RunView,
  watched: readonly WatchedStep[],
  now: Date,
  { columns, style }: TextOptions,
): string[] {
  const lines = renderTree(view, now, { columns, style, watched });
  for (const { stepId, report, unknown = "" } of watched) {
    if (report === undefined) lines.push(...wrap(clean(`rules of ${stepId}: ${unknown}`), columns, "", "  "));
    for (const { name, isShadow, summary } of report?.rules ?? []) {
      const text = clean(`${isShadow ? "shadow rule" : "rule"} ${stepId} ${name}: ${summary}`);
      lines.push(...wrap(text, columns, "", "  "));
    }
  }
  lines.push(...wrap(`plan ${shortHash(view.planHash)} · created ${view.createdAt.toISOString()}`, columns));
  for (const line of view.emergency === undefined ? [] : emergencyLines(view.emergency))
    lines.push(...wrap(clean(line), columns, "", "  ").map((text) => style.yellow(text)));
  for (const { at, actor, kind, target, note } of view.said) {
    lines.push(
      ...wrap(
        [`${clockTime(at)} ${actor}: ${kind}`, target, note].filter((part) => part !== "").join(" · "),
        columns,
        "▸ ",
        "  ",
      ),
    );
  }
  for (const step of stepsIn(view)) {
    for (const [name, sha] of Object.entries(step.evidence))
      lines.push(style.dim(`evidence ${step.id} ${name} ${sha}`));
  }
  return lines;
}

/** One step: what was planned, each attempt with its end, progress and evidence. */
export function stepText(
  step: PlannedStep,
  attempts: readonly Attempt[],
  events: readonly RunEvent[],
  { columns, style }: TextOptions,
): string[] {
  const lines = [style.bold(clean(`${step.id} · ${step.kind} · ${step.title}`))];
  for (const text of step.summary) lines.push(...wrap(clean(text), columns, "  "));
  for (const { phase, number, state, reason, begunAt, endedAt, error, result } of attempts) {
    const took = endedAt === undefined ? "not ended" : formatDuration(endedAt.getTime() - begunAt.getTime());
    const why = reason === undefined ? "" : `: ${clean(reason)}`;
    lines.push(
      ...wrap(`${clockTime(begunAt)} ${phase} ${number} ${state} (${took})${why}`, columns, "", "    "),
    );
    if (error !== undefined) lines.push(...wrap(`${error.code} → ${clean(error.hint)}`, columns, "    "));
    if (result !== undefined && Object.keys(result).length > 0) {
      lines.push(...wrap(clean(JSON.stringify(result)), columns, "    ").map((line) => style.dim(line)));
    }
  }
  for (const { at, type, data } of events) {
    if (type === "step.progress" && typeof data.text === "string")
      lines.push(...wrap(`${clockTime(at)} ${clean(data.text)}`, columns, "  ", "    "));
  }
  for (const { data } of events) {
    if (typeof data.evidence !== "object" || data.evidence === null) continue;
    for (const [name, sha] of Object.entries(data.evidence))
      lines.push(`evidence ${clean(name)} ${typeof sha === "string" ? sha : ""}`);
  }
  return lines;
}
