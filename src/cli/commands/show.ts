import { TminusError } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import type { Run } from "../../model/run.ts";
import type { Tminus } from "../../model/tminus.ts";
import { suggest } from "../../lib/did-you-mean.ts";
import { stepsOf } from "../../model/plan-steps.ts";
import { deployLog } from "../../report/deploy-log.ts";
import { ruleText } from "../../report/rule-text.ts";
import { viewOf } from "../../report/run-view.ts";
import { clean } from "../../report/text.ts";
import type { CommandContext } from "../command-context.ts";
import { exportLog, exportRule, type Exported, type ExportTarget } from "../export-run.ts";
import { findRule } from "../find-rule.ts";
import { eventJson, ruleJson, runJson, toJson } from "../output/json.ts";
import { showText, stepText } from "../output/show-text.ts";
import { showEvidence } from "../show-evidence.ts";
import { pickRun } from "../pick-run.ts";
import { recordOf } from "../../compose/run-record.ts";

export interface ShowOptions {
  step?: string;
  rule?: string;
  evidence?: string;
  markdown?: boolean;
  output?: string;
  force: boolean;
}

/** One run with its steps, what people said and how it ended; or one step; or one piece of evidence. */
export async function show(
  context: CommandContext,
  id: string | undefined,
  options: ShowOptions,
): Promise<ExitCode> {
  const { output, host } = context;
  const { output: file, force } = options;
  if (options.evidence !== undefined)
    return showEvidence(context, await context.open(), options.evidence, { output: file, force });
  if (file !== undefined && options.rule === undefined && options.step !== undefined)
    throw new TminusError("USAGE_INVALID", "--output is for a run, for a rule of it or for evidence", {
      hint: "Leave --step out; what it prints can be sent into a file by the shell.",
    });
  const tminus = await context.open();
  const run = await pickRun(context, tminus, id);
  const target = file === undefined ? undefined : { directory: host.directory, output: file, force };
  if (options.rule !== undefined) return showRule(context, tminus, run, options.rule, options.step, target);
  if (options.step !== undefined) return showStep(context, tminus, run, options.step);
  const record = await recordOf(tminus, run);
  if (target !== undefined) return showFiles(context, run, await exportLog(record, target));
  if (options.markdown === true) {
    const markdown = deployLog(record);
    output.result({ run: runJson(run), markdown }, [markdown]);
    return 0;
  }
  const { events, attempts, watched } = record;
  output.result(
    {
      run: runJson(run),
      plan: run.plan,
      attempts: toJson(attempts),
      events: events.map(eventJson),
      rules: watched.flatMap(({ stepId, report }) =>
        (report?.rules ?? []).map((rule) => ruleJson(stepId, rule)),
      ),
    },
    showText(viewOf(run, events), watched, host.clock.now(), output),
  );
  return 0;
}

async function showRule(
  context: CommandContext,
  tminus: Tminus,
  run: Run,
  name: string,
  stepId: string | undefined,
  target: ExportTarget | undefined,
): Promise<ExitCode> {
  const { output } = context;
  const watched = await tminus.watched(run.id, stepId);
  const { step, rule } = findRule(run, watched, name);
  if (target !== undefined) {
    const files = await exportRule({ run, watched }, { stepId: step.stepId, name: rule.name }, target);
    return showFiles(context, run, files);
  }
  const declared = await tminus.sources(run.id);
  const asked = Object.fromEntries(
    rule.sources.flatMap((source) => {
      const own = declared[source.name];
      return own === undefined ? [] : [[source.name, own]];
    }),
  );
  output.result(
    { run: run.id, step: step.stepId, rule: toJson(rule), sources: toJson(asked) },
    ruleText(step.stepId, rule, asked, output),
  );
  return 0;
}

function showFiles({ output }: CommandContext, run: Run, files: readonly Exported[]): ExitCode {
  output.result(
    { run: run.id, files: [...files] },
    files.map(({ file }) => `written: ${clean(file)}`),
  );
  return 0;
}

async function showStep(
  { output }: CommandContext,
  tminus: Tminus,
  run: Run,
  stepId: string,
): Promise<ExitCode> {
  const steps = stepsOf(run.plan);
  const step = steps.find((item) => item.id === stepId);
  if (step === undefined) {
    throw new TminusError("USAGE_INVALID", `run ${run.id} has no step "${clean(stepId)}"`, {
      hint: suggest(
        stepId,
        steps.map((item) => item.id),
        "Steps",
      ),
    });
  }
  const attempts = (await tminus.attempts(run.id)).filter((attempt) => attempt.stepId === stepId);
  const events = (await tminus.events(run.id, 0)).filter(({ data }) => data.stepId === stepId);
  output.result(
    { run: run.id, step, attempts: toJson(attempts), events: events.map(eventJson) },
    stepText(step, attempts, events, output),
  );
  return 0;
}
