import { mkdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { TminusError } from "../errors.ts";
import type { JsonObject } from "../model/json.ts";
import { deployLog, type RunRecord } from "../report/deploy-log.ts";
import { chartSubjects, plainName, type ChartSubject } from "../report/rule-charts.ts";
import { clean } from "../report/text.ts";
import { cannotWrite, writeMarked, type MarkedFile } from "./write-marked.ts";

/** Where `--output` says that something is to be written. */
export interface ExportTarget {
  /** Of the command. */
  directory: string;
  /** A folder, or a file by its ending. */
  output: string;
  force: boolean;
}

/** What was written, as `--json` tells it: the file as it was named, and what is in it. */
export type Exported = JsonObject & { file: string };

/**
 * Writes the deploy log of a run with a chart of every rule beside it, the log last, so that it never names a chart that
 * is not there. Into a folder, which is made: `<run>.md` and `<run>-<step>-<rule>.svg`; as `x.md`: `x-<step>-<rule>.svg`
 * beside it. Errors: USAGE_INVALID.
 */
export async function exportLog(record: RunRecord, target: ExportTarget): Promise<Exported[]> {
  const { folder, base, shown } = placeOf(target, ".md", record.run.id);
  const subjects = chartSubjects(record.watched);
  const fileOf = ({ name }: ChartSubject): string => `${base}-${name}.svg`;
  const charts = await drawAll(subjects, (subject) => join(shown, fileOf(subject)), target);
  const log: MarkedFile = {
    path: join(folder, `${base}.md`),
    name: join(shown, `${base}.md`),
    content: deployLog(record, new Map(subjects.map((subject) => [subject.source, fileOf(subject)]))),
  };
  writeMarked([...charts, log], target.force);
  return [
    { file: log.name, kind: "log" },
    ...subjects.map((subject, index) => told(charts[index]!, subject)),
  ];
}

/**
 * Writes the chart of one rule; one for each source when it asks several. Into a folder: `<run>-<step>-<rule>.svg`.
 * Errors: USAGE_INVALID, also when there is nothing to draw.
 */
export async function exportRule(
  record: Pick<RunRecord, "run" | "watched">,
  rule: { stepId: string; name: string },
  target: ExportTarget,
): Promise<Exported[]> {
  const subjects = chartSubjects(record.watched).filter(
    (subject) => subject.stepId === rule.stepId && subject.rule.name === rule.name,
  );
  if (subjects.length === 0)
    throw new TminusError("USAGE_INVALID", `of the rule ${clean(rule.name)} there is nothing to draw`, {
      hint: "Only what a source has answered is kept as a series: nothing of a probe, and nothing before the first look.",
    });
  const { base, shown, isFile } = placeOf(target, ".svg", record.run.id);
  const charts = await drawAll(
    subjects,
    ({ name, source }) => {
      if (!isFile) return join(shown, `${base}-${name}.svg`);
      return join(shown, subjects.length === 1 ? `${base}.svg` : `${base}-${plainName(source.name)}.svg`);
    },
    target,
  );
  writeMarked(charts, target.force);
  return subjects.map((subject, index) => told(charts[index]!, subject));
}

async function drawAll(
  subjects: readonly ChartSubject[],
  nameOf: (subject: ChartSubject) => string,
  { directory }: ExportTarget,
): Promise<MarkedFile[]> {
  const { ruleChart } = await import("../report/chart/rule-chart.ts");
  return subjects.map((subject) => {
    const { stepId, report, rule, source } = subject;
    const name = nameOf(subject);
    return { path: resolve(directory, name), name, content: ruleChart(stepId, report, rule, source) };
  });
}

function told({ name }: MarkedFile, { stepId, rule, source }: ChartSubject): Exported {
  return { file: name, kind: "chart", step: stepId, rule: rule.name, source: source.name };
}

/** A file when it ends so and is no folder, else a folder, which is made when it is not there. */
function placeOf(
  { directory, output }: ExportTarget,
  ending: ".md" | ".svg",
  runId: string,
): { folder: string; shown: string; base: string; isFile: boolean } {
  const path = resolve(directory, output);
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? output.endsWith("/");
  if (!isFolder && extname(path).toLowerCase() === ending)
    return {
      folder: dirname(path),
      shown: dirname(output),
      base: basename(path).slice(0, -ending.length),
      isFile: true,
    };
  if (!isFolder && extname(path) !== "")
    throw new TminusError(
      "USAGE_INVALID",
      `${clean(output)} is neither a folder nor a file that ends in ${ending}`,
      {
        hint: `Write a folder with a / at its end, or a name that ends in ${ending}.`,
      },
    );
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw cannotWrite(output, error);
  }
  return { folder: path, shown: output, base: runId, isFile: false };
}
