import { formatDuration } from "../lib/duration.ts";
import type { Json } from "../model/json.ts";
import { stepsOf } from "../model/plan-steps.ts";
import type { Attempt, Run, RunEvent } from "../model/run.ts";
import type { WatchedStep } from "../model/tminus.ts";
import { codeText, escapeMarkdown } from "./markdown.ts";
import { emergencyLines, gateLine } from "./plan-text.ts";
import { releaseChange, shortHash } from "./release-change.ts";
import { rulesSection, type ChartFiles } from "./rules-section.ts";
import { stepsIn, viewOf, type RunView, type StepView } from "./run-view.ts";

/** Everything that is on record of a run. */
export interface RunRecord {
  run: Run;
  events: readonly RunEvent[];
  attempts: readonly Attempt[];
  watched: readonly WatchedStep[];
}

/**
 * The deployment log of a run in Markdown, made from what was recorded alone: when, how long, by whom, what
 * changed, every step, migrations with their time, what its watches saw, the rollback, what went wrong. Requirement H2.
 */
export function deployLog(
  { run, events, attempts, watched }: RunRecord,
  charts: ChartFiles = new Map(),
): string {
  const view = viewOf(run, events);
  return [
    `## ${escapeMarkdown(`${run.createdAt.toISOString().slice(0, 10)} · ${view.project} ${releaseChange(view)} · ${view.environment}`)}`,
    "",
    ...factLines(run, view),
    ...section(
      "Changes",
      stepsOf(run.plan).flatMap(({ id, summary }) =>
        summary.map((line) => `- ${codeText(id)} ${escapeMarkdown(line)}`),
      ),
    ),
    ...section(
      "Gates",
      run.plan.gates.map((gate) => `- ${escapeMarkdown(gateLine(gate))}`),
    ),
    ...section("Steps", stepTable(view)),
    ...section("Migrations", migrationLines(run, attempts)),
    ...section("Rules", rulesSection(watched, charts)),
    ...section(
      "Decisions",
      view.said.map(
        (said) =>
          `- ${said.at.toISOString()} ${escapeMarkdown([said.actor, said.kind, said.target, said.note].filter(Boolean).join(" · "))}`,
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
    ...(view.emergency === undefined
      ? []
      : [["Emergency", emergencyLines(view.emergency).join("; ")] satisfies [string, string]]),
    ...(view.zeroAt === undefined ? [] : [["T-0", view.zeroAt.toISOString()] satisfies [string, string]]),
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
  return facts.map(([name, value]) => `- **${name}:** ${escapeMarkdown(value)}`);
}

function stepTable(view: RunView): string[] {
  const rows = view.stages.flatMap((stage) =>
    stage.steps.map((step) => [
      stage.title,
      codeText(step.id),
      step.state,
      timeOf(step),
      lengthOf(step),
      escapeMarkdown(step.reason),
    ]),
  );
  return [
    "| stage | step | state | began | took | reason |",
    "|---|---|---|---|---|---|",
    ...rows.map(([stage = "", ...cells]) => `| ${[escapeMarkdown(stage), ...cells].join(" | ")} |`),
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
        return `  - ${codeText([version, name].filter((part) => typeof part === "string").join("_"))}${took}`;
      });
      return [
        `- ${codeText(attempt.stepId)} ${undo}${attempt.state}: ${escapeMarkdown(attempt.reason ?? "")}`,
        ...files,
      ];
    });
}

function rollbackLines(view: RunView): string[] {
  const { verdict, cure } = view;
  if (verdict === undefined) return [];
  const undone = stepsIn(view).filter(({ state }) => state === "undone");
  return [
    `- decided ${verdict.at.toISOString()} by ${escapeMarkdown(verdict.by)}: ${escapeMarkdown(verdict.reason)}`,
    ...undone.map(({ id, reason }) => `- undone ${codeText(id)} ${escapeMarkdown(reason)}`),
    ...view.kept.map(({ stepId, reason }) => `- kept ${codeText(stepId)} ${escapeMarkdown(reason)}`),
    ...view.notUndone.map(
      ({ stepId, reason }) => `- **not undone** ${codeText(stepId)} ${escapeMarkdown(reason)}`,
    ),
    ...(cure === undefined ? [] : [`- afterwards: ${cure.verdict}, ${escapeMarkdown(cure.reason)}`]),
    ...(view.isLocked ? ["- the environment was locked until somebody unlocks it"] : []),
    ...(view.unlocked === undefined
      ? []
      : [
          `- unlocked ${view.unlocked.at.toISOString()} by ${escapeMarkdown(view.unlocked.by)}: ${escapeMarkdown(view.unlocked.reason)}`,
        ]),
  ];
}

function issueLines(view: RunView): string[] {
  const failed = stepsIn(view).flatMap(({ id, failure, tries }) =>
    failure === undefined ? [] : [`- ${codeText(id)} failed (try ${tries}): ${escapeMarkdown(failure)}`],
  );
  const late = stepsIn(view).flatMap(({ id, lateMs }) =>
    lateMs === undefined ? [] : [`- ${codeText(id)} began ${formatDuration(lateMs)} late`],
  );
  const unclear = stepsIn(view)
    .filter(({ state }) => state === "parked" || state === "undo-failed")
    .map(({ id, state, reason }) => `- ${codeText(id)} ${state}: ${escapeMarkdown(reason)}`);
  const paged = view.paged.map(
    ({ at, channel, title, failure }) =>
      `- ${at.toISOString()} ${failure === undefined ? "paged" : "**not reached**"} ${codeText(channel)}: ${escapeMarkdown([title, failure ?? ""].filter(Boolean).join(" · "))}`,
  );
  const lost = view.takes > 1 ? [`- taken over ${view.takes - 1} times after a worker was lost`] : [];
  const unanchored =
    view.unanchored === undefined
      ? []
      : [
          `- ${view.unanchored.at.toISOString()} the history could not be written down outside: ${escape(view.unanchored.reason)}`,
        ];
  return [...late, ...failed, ...unclear, ...paged, ...lost, ...unanchored];
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
