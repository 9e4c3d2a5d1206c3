import { stepsOf } from "../model/plan-steps.ts";
import type { Run } from "../model/run.ts";
import { codeText, escapeMarkdown } from "./markdown.ts";
import { releaseChange, shortHash } from "./release-change.ts";
import { clean } from "./text.ts";

export interface MergeBackFacts {
  branch: string;
  target: string;
  /** Short. */
  commit: string;
  /** First lines of the commits that the target lacks, newest first. */
  subjects: readonly string[];
}

/**
 * Title and Markdown body of a pull request that brings a branch that was deployed back into another: its commits, the
 * last run of the environment with its migrations, and how that is undone. Requirement A3.
 */
export function mergeBackText(
  { branch, target, commit, subjects }: MergeBackFacts,
  run: Run | undefined,
): { title: string; body: string } {
  const lines = [
    `Brings ${codeText(branch)} (${codeText(commit)}) into ${codeText(target)}, so that the next release from there has it, too.`,
    ...section(
      "Commits",
      subjects.map((subject) => escapeMarkdown(subject)),
    ),
    ...(run === undefined ? [] : runSections(run)),
  ];
  return { title: clean(`Bring ${branch} back into ${target}`), body: lines.join("\n") };
}

function runSections({ id, plan, environment, outcome, endedAt }: Run): string[] {
  const steps = stepsOf(plan);
  const ended =
    endedAt === undefined ? "it has not ended" : `${outcome ?? "ended"} at ${endedAt.toISOString()}`;
  const ofDatabase = steps.filter(({ kind }) => kind.startsWith("db.")).flatMap(({ summary }) => summary);
  return [
    ...section(`Last run in ${escapeMarkdown(environment)}`, [
      escapeMarkdown(`${releaseChange(plan)}: ${ended} (run ${id}, plan ${shortHash(plan.hash)})`),
    ]),
    ...section(
      "Database",
      ofDatabase.map((line) => escapeMarkdown(line)),
    ),
    ...section(
      "How that run is undone",
      steps.map(({ id: step, undo }) => `${codeText(step)} ${escapeMarkdown(undo.text)}`),
    ),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", `### ${title}`, "", ...lines.map((line) => `- ${line}`)];
}
