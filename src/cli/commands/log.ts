import type { ExitCode } from "../../error-codes.ts";
import { formatDuration } from "../../lib/duration.ts";
import type { ListedRun, RunFilter } from "../../model/run-list.ts";
import type { Run } from "../../model/run.ts";
import type { Tminus } from "../../model/tminus.ts";
import { deployLog } from "../../report/deploy-log.ts";
import { releaseChange } from "../../report/release-change.ts";
import { clean, joinSegments, padTo, widthOf, type Style } from "../../report/text.ts";
import { recordOf } from "../../compose/run-record.ts";
import { environmentFilter, type CommandContext } from "../command-context.ts";
import { runJson } from "../output/json.ts";
import { runMark } from "../../report/run-marks.ts";

export interface LogOptions extends Omit<RunFilter, "environment"> {
  limit: number;
  markdown?: boolean;
}

/** Runs, newest first: a line each, or a deploy log each. */
export async function log(context: CommandContext, options: LogOptions): Promise<ExitCode> {
  const { output, host } = context;
  const { markdown, ...asked } = options;
  const tminus = await context.open();
  const environment = environmentFilter(context, tminus);
  const filter = { ...asked, environment };
  if (markdown === true) {
    const logs = await deployLogs(tminus, await tminus.runs(filter));
    output.result({ logs }, logs);
    return 0;
  }
  const { runs, hasOlder } = await tminus.listRuns(filter);
  if (output.mode === "text")
    output.result(
      {},
      runs.length === 0 ? [noneText(options, environment)] : runLines(runs, host.clock.now(), output),
    );
  // Plans may be large; only JSON says something of them.
  else output.result({ runs: (await tminus.runs(filter)).map(runJson) }, []);
  if (hasOlder) output.note(`older runs: add --before ${runs.at(-1)!.id}`);
  return 0;
}

function noneText({ state, outcome, search, before }: LogOptions, environment: string | undefined): string {
  const isAsked = [environment, state, outcome, search, before].some((named) => named !== undefined);
  return isAsked ? "No run is like that." : "No run yet. Look ahead with: tminus plan --release <name>";
}

async function deployLogs(tminus: Tminus, runs: readonly Run[]): Promise<string[]> {
  const logs: string[] = [];
  for (const run of runs) logs.push(deployLog(await recordOf(tminus, run)));
  return logs;
}

function runLines(
  runs: readonly ListedRun[],
  now: Date,
  { columns, style }: { columns: number; style: Style },
): string[] {
  const rows = runs.map((run) => {
    const { startedAt = run.createdAt, endedAt = now } = run;
    return [
      run.createdAt.toISOString().slice(0, 16).replace("T", " "),
      run.id,
      run.environment,
      `${run.purpose === "rollback" ? "rollback " : ""}${clean(releaseChange(run))}`,
      formatDuration(Math.max(0, endedAt.getTime() - startedAt.getTime())),
      clean(run.createdBy),
    ];
  });
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => widthOf(row[column]!))));
  return rows.map((row, index) => {
    const { icon, word, paint } = runMark(runs[index]!);
    const cells = row.map((cell, column) => ({ text: `${padTo(cell, widths[column]!)}  ` }));
    return joinSegments(
      [{ text: `${icon} ${padTo(word.toLowerCase(), 15)}  `, paint }, ...cells],
      columns,
      style,
    ).trimEnd();
  });
}
