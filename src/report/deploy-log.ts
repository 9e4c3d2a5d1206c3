import { formatDuration } from "../lib/duration.ts";
import type { Json } from "../model/json.ts";
import { stepsOf } from "../model/plan.ts";
import type { Attempt, Run, RunEvent } from "../model/run.ts";
import { releaseChange, shortHash } from "./plan-text.ts";
import { stepsIn, viewOf, type RunView, type StepView } from "./run-view.ts";
import { clean } from "./text.ts";

/**
 * The deployment log of a run in Markdown, made from what was recorded alone: when, how long, by whom, what
 * changed, every step, migrations with their time, the rollback, what went wrong. Requirement H2.
 */
export function deployLog(run: Run, events: readonly RunEvent[], attempts: readonly Attempt[]): string {
  const view = viewOf(run, events);
  return [
    `## ${escape(`${run.createdAt.toISOString().slice(0, 10)} · ${view.project} ${releaseChange(view)} · ${view.environment}`)}`,
    "",
    ...factLines(run, view),
    ...section(
      "Changes",
      stepsOf(run.plan).flatMap(({ id, summary }) => summary.map((line) => `- ${code(id)} ${escape(line)}`)),
    ),
    ...section("Steps", stepTable(view)),
    ...section("Migrations", migrationLines(run, attempts)),
    ...section(
      "Decisions",
      view.said.map(
        (said) =>
          `- ${said.at.toISOString()} ${escape([said.actor, said.kind, said.target, said.note].filter(Boolean).join(" · "))}`,
      ),
    ),
    ...section("Rollback", rollbackLines(view)),
    ...section("Issues", issueLines(view)),
  ].join("\n");
}

function factLines(run: Run, view: RunView): string[] {
  const { startedAt, endedAt, endState } = view;
  const facts: [string, string][] = [
    ["Outcome", view.outcome ?? `not ended: ${view.state}`],
    ["Run", view.runId],
    ["Release", releaseChange(view)],
    ["Plan", shortHash(view.planHash)],
    ["By", view.createdBy],
    ["Started", startedAt?.toISOString() ?? "not yet"],
    ["Ended", endedAt?.toISOString() ?? "not yet"],
    [
      "Duration",
      startedAt === undefined || endedAt === undefined
        ? "not known yet"
        : formatDuration(endedAt.getTime() - startedAt.getTime()),
    ],
    ["End state", endState === undefined ? "not looked at" : `${endState.verdict}: ${endState.reason}`],
    ["URL", run.plan.environment.url],
  ];
  return facts.map(([name, value]) => `- **${name}:** ${escape(clean(value))}`);
}

function stepTable(view: RunView): string[] {
  const rows = view.stages.flatMap((stage) =>
    stage.steps.map((step) => [
      stage.title,
      code(step.id),
      step.state,
      timeOf(step),
      lengthOf(step),
      escape(step.reason),
    ]),
  );
  return [
    "| stage | step | state | began | took | reason |",
    "|---|---|---|---|---|---|",
    ...rows.map(([stage = "", ...cells]) => `| ${[escape(stage), ...cells].join(" | ")} |`),
  ];
}

/** What each migration step says that it applied, with the time of each file. */
function migrationLines(run: Run, attempts: readonly Attempt[]): string[] {
  const migrating = new Set(
    stepsOf(run.plan)
      .filter(({ kind }) => kind === "db.migrate")
      .map(({ id }) => id),
  );
  return attempts
    .filter(({ stepId }) => migrating.has(stepId))
    .flatMap((attempt) => {
      const undo = attempt.phase === "undo" ? "undo " : "";
      const files = listIn(attempt.result?.applied).map(({ version, name, durationMs }) => {
        const took = typeof durationMs === "number" ? ` in ${formatDuration(durationMs)}` : "";
        return `  - ${code([version, name].filter((part) => typeof part === "string").join("_"))}${took}`;
      });
      return [
        `- ${code(attempt.stepId)} ${undo}${attempt.state}: ${escape(clean(attempt.reason ?? ""))}`,
        ...files,
      ];
    });
}

function rollbackLines(view: RunView): string[] {
  const { verdict, cure } = view;
  if (verdict === undefined) return [];
  const undone = stepsIn(view).filter(({ state }) => state === "undone");
  return [
    `- decided ${verdict.at.toISOString()} by ${escape(verdict.by)}: ${escape(verdict.reason)}`,
    ...undone.map(({ id, reason }) => `- undone ${code(id)} ${escape(reason)}`),
    ...view.kept.map(({ stepId, reason }) => `- kept ${code(stepId)} ${escape(reason)}`),
    ...view.notUndone.map(({ stepId, reason }) => `- **not undone** ${code(stepId)} ${escape(reason)}`),
    ...(cure === undefined ? [] : [`- afterwards: ${cure.verdict}, ${escape(cure.reason)}`]),
  ];
}

function issueLines(view: RunView): string[] {
  const failed = stepsIn(view).flatMap(({ id, failure, tries }) =>
    failure === undefined ? [] : [`- ${code(id)} failed (try ${tries}): ${escape(failure)}`],
  );
  const unclear = stepsIn(view)
    .filter(({ state }) => state === "parked" || state === "undo-failed")
    .map(({ id, state, reason }) => `- ${code(id)} ${state}: ${escape(reason)}`);
  const lost = view.takes > 1 ? [`- taken over ${view.takes - 1} times after a worker was lost`] : [];
  return [...failed, ...unclear, ...lost];
}

function section(title: string, lines: readonly string[]): string[] {
  return ["", `### ${title}`, "", ...(lines.length === 0 ? ["None."] : lines)];
}

function timeOf({ begunAt }: StepView): string {
  return begunAt === undefined ? "" : `${begunAt.toISOString().slice(11, 19)}Z`;
}

function lengthOf({ begunAt, endedAt }: StepView): string {
  return begunAt === undefined || endedAt === undefined
    ? ""
    : formatDuration(endedAt.getTime() - begunAt.getTime());
}

function listIn(value: Json | undefined): { [key: string]: Json }[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item) =>
    typeof item === "object" && item !== null && !Array.isArray(item) ? [item] : [],
  );
}

/** Text in which nothing is read as Markdown or HTML. */
function escape(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|#~]/g, (sign) => `\\${sign}`);
}

function code(text: string): string {
  return `\`${clean(text).replaceAll(/[`|]/g, "'")}\``;
}
