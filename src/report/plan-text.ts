import * as z from "zod";
import { formatDuration, formatOffset } from "../lib/duration.ts";
import { emergencyName, type PlannedEmergency } from "../model/emergency.ts";
import { isClosed, type GateResult, type Plan, type PlannedStep } from "../model/plan.ts";
import { stepsOf } from "../model/plan-steps.ts";
import { releaseChange, shortHash } from "./release-change.ts";
import { clean, wrap, type Paint, type Style } from "./text.ts";
import { timelineLines } from "./timeline-text.ts";
import { undoText } from "./undo-text.ts";

export interface PlanTextOptions {
  columns: number;
  style: Style;
}

/** Evidence of a gate that ran a command. */
const outputSchema = z.looseObject({ lastLines: z.array(z.string()) });
const SHOWN_LINES = 10;

/** Whether no run of this plan can be started. */
export function isBlocked(plan: Plan): boolean {
  return blockingReasons(plan).length > 0;
}

/** Everything that blocks the plan, once: gates that did not pass, and what else its maker found. */
export function blockingReasons({ gates, blocked }: Plan): Plan["blocked"] {
  const closed = gates.filter(isClosed);
  const known = new Set(closed.map(({ id }) => `gate ${id}`));
  return [
    ...closed.map(({ id, reason, fix }) => ({
      where: `gate ${id}`,
      reason,
      ...(fix === undefined ? {} : { fix }),
    })),
    ...blocked.filter(({ where }) => !known.has(where)),
  ];
}

/** A plan for people: gates with fixes, stages and steps, inputs, what blocks; the summary is the last line. */
export function planText(plan: Plan, { columns, style }: PlanTextOptions): string[] {
  const lines: string[] = [];
  const add = (text: string, indent: string, paint?: Paint): void => {
    const wrapped = wrap(clean(text), columns, indent, `${indent}  `);
    lines.push(...wrapped.map((line) => (paint === undefined ? line : style[paint](line))));
  };
  add(titleOf(plan), "", "bold");
  add(plan.environment.url, " ");
  if (plan.live.length > 1)
    add(`live now: ${plan.live.map(({ release, percent }) => `${release} ${percent} %`).join(", ")}`, " ");
  if (plan.emergency !== undefined)
    for (const line of emergencyLines(plan.emergency)) add(line, " ", "yellow");
  if (plan.window !== undefined)
    add(`window: ${plan.window.text}`, " ", plan.window.isOpen ? undefined : "yellow");
  for (const [index, line] of timelineLines(plan).entries()) add(line, index === 0 ? " " : "   ");
  add(gatesSummary(plan.gates), " ");
  for (const gate of plan.gates) {
    add(gateLine(gate), "   ", isClosed(gate) ? "red" : gate.verdict === "waived" ? "yellow" : undefined);
    for (const line of outputOf(gate)) add(`│ ${line}`, "     ", "dim");
    if (isClosed(gate) && gate.fix !== undefined) add(`fix: ${gate.fix}`, "     ");
  }
  let number = 0;
  for (const stage of plan.stages) {
    add(`${stage.title} (${stage.risk} risk)`, " ", "bold");
    for (const step of stage.steps) {
      number++;
      add(stepLine(step, number), "   ", "cyan");
      for (const line of step.summary) add(line, "      ");
      add(undoText(step.undo), "      ", step.undo.how === "irreversible" ? "yellow" : "dim");
    }
    for (const sentence of stage.success) add(`good when: ${sentence}`, "   ", "dim");
  }
  add(rollbackLine(plan), " ");
  if (plan.inputs.length > 0) add("made from", " ", "bold");
  for (const input of plan.inputs) add(`${input.name}: ${shortDigest(input.digest)}`, "   ", "dim");
  for (const { where, reason, fix } of otherReasons(plan)) {
    add(`✗ ${where}: ${reason}`, " ", "red");
    if (fix !== undefined) add(`fix: ${fix}`, "     ");
  }
  add(planSummary(plan), "", isBlocked(plan) ? "red" : "green");
  return lines;
}

/** One sentence: what blocks, how many steps, how long, what cannot be undone. */
export function planSummary(plan: Plan): string {
  const steps = stepsOf(plan);
  const blockedGates = plan.gates.filter(isClosed).length;
  const others = otherReasons(plan);
  const irreversible = steps.filter(({ undo }) => undo.how === "irreversible").length;
  const parts = [
    ...(blockedGates > 0 ? [`${count(blockedGates, "gate")} blocked`] : []),
    ...(others.length > 0 ? [`${count(others.length, "other reason")} against it`] : []),
    count(steps.length, "step"),
    durationOf(steps),
    irreversible === 0 ? "every step reversible" : `${count(irreversible, "step")} cannot be undone`,
  ];
  return `${parts.join(", ")}. Nothing was changed.`;
}

/** What blocks the plan beside its gates. */
function otherReasons(plan: Plan): Plan["blocked"] {
  return blockingReasons(plan).slice(plan.gates.filter(isClosed).length);
}

function titleOf(plan: Plan): string {
  const purpose = plan.purpose === "rollback" ? " · rollback" : "";
  return `Plan ${shortHash(plan.hash)} · ${plan.environment.name} · ${plan.project}${purpose} · ${releaseChange(plan)}`;
}

function gatesSummary(gates: readonly GateResult[]): string {
  if (gates.length === 0) return "no gates";
  const number = (verdict: GateResult["verdict"]): number =>
    gates.filter((gate) => gate.verdict === verdict).length;
  const parts = [`${number("pass")} pass`];
  if (number("fail") > 0) parts.push(`${number("fail")} fail`);
  if (number("unknown") > 0) parts.push(`${number("unknown")} could not be found out`);
  if (number("waived") > 0) parts.push(`${number("waived")} waived`);
  return `gates: ${parts.join(" · ")}`;
}

/** What the plan rests on, and what is left out of it. */
export function emergencyLines({ leftOut, ...emergency }: PlannedEmergency): string[] {
  const { by, reason, until } = emergency;
  return [
    `emergency ${emergencyName(emergency)} until ${until}, declared by ${by}: ${reason}`,
    leftOut.length === 0 ? "nothing of the runbook is left out" : `left out: ${leftOut.join(", ")}`,
  ];
}

/** What a gate said, for people. */
export function gateLine({ verdict, id, title, reason, waiver, durationMs }: GateResult): string {
  if (waiver !== undefined) {
    const said = `${waiver.verdict === "fail" ? "it fails" : "it could not be found out"}: ${reason}`;
    return `! waived ${id}: by ${waiver.by} until ${waiver.until}: ${waiver.reason}; ${said}`;
  }
  const word = { pass: "✓ pass", fail: "✗ fail", unknown: "? unknown", waived: "! waived" }[verdict];
  const name = title === id ? id : `${id} (${title})`;
  return `${word}  ${name}: ${reason} · ${formatDuration(durationMs)}`;
}

/** The last lines that a command of a gate printed, when it keeps the plan from running. */
function outputOf(gate: GateResult): string[] {
  const parsed = isClosed(gate) ? outputSchema.safeParse(gate.evidence) : undefined;
  return parsed?.data?.lastLines.slice(-SHOWN_LINES) ?? [];
}

function stepLine(step: PlannedStep, number: number): string {
  const title = step.title === step.id ? "" : ` · ${step.title}`;
  const offset = step.offsetMs === undefined ? "" : ` · ${formatOffset(step.offsetMs)}`;
  const duration = step.durationMs === 0 ? "" : ` · ~${formatDuration(step.durationMs)}`;
  const failure = step.onFailure === "hold" ? " · holds on failure" : "";
  return `${number} ${step.id} · ${step.kind}${title}${offset}${duration} · ${step.risk} risk${failure}`;
}

function rollbackLine({ rollback }: Plan): string {
  const who = rollback.automatic
    ? "rolls back by itself when a step fails"
    : "asks a person when a step fails";
  const database = rollback.database === "keep" ? "migrations stay" : "migrations are undone";
  return `rollback: ${who}; ${database}; observed for ${formatDuration(rollback.cureMs)} afterwards`;
}

function durationOf(steps: readonly PlannedStep[]): string {
  const unknown = steps.filter(({ durationMs }) => durationMs === 0).length;
  const total = steps.reduce((sum, { durationMs }) => sum + durationMs, 0);
  if (total === 0) return "duration unknown";
  return `about ${formatDuration(total)}${unknown > 0 ? ` and ${count(unknown, "step")} of unknown length` : ""}`;
}

function shortDigest(digest: string): string {
  return /^[0-9a-f]{40,}$/.test(digest) ? digest.slice(0, 12) : digest;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
