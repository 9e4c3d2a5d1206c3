import { TminusError } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import type { Run } from "../../model/run.ts";
import type { Tminus } from "../../model/tminus.ts";
import { suggest } from "../../lib/did-you-mean.ts";
import { stepsOf } from "../../model/plan.ts";
import { deployLog } from "../../report/deploy-log.ts";
import { viewOf } from "../../report/run-view.ts";
import { clean } from "../../report/text.ts";
import type { CommandContext } from "../command-context.ts";
import { eventJson, runJson, toJson } from "../output/json.ts";
import { showText, stepText } from "../output/show-text.ts";
import { pickRun } from "../pick-run.ts";

export interface ShowOptions {
  step?: string;
  evidence?: string;
  markdown?: boolean;
}

/** One run with its steps, what people said and how it ended; or one step; or one piece of evidence. */
export async function show(
  context: CommandContext,
  id: string | undefined,
  options: ShowOptions,
): Promise<ExitCode> {
  const { output, host } = context;
  const tminus = await context.open();
  if (options.evidence !== undefined) return showEvidence(context, tminus, options.evidence);
  const run = await pickRun(context, tminus, id);
  if (options.step !== undefined) return showStep(context, tminus, run, options.step);
  const events = await tminus.events(run.id, 0);
  const attempts = await tminus.attempts(run.id);
  if (options.markdown === true) {
    const markdown = deployLog(run, events, attempts);
    output.result({ run: runJson(run), markdown }, [markdown]);
    return 0;
  }
  output.result(
    { run: runJson(run), plan: run.plan, attempts: toJson(attempts), events: events.map(eventJson) },
    showText(viewOf(run, events), host.clock.now(), output),
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

/** Evidence is kept redacted; it is printed as it is into a file or pipe, and made safe for a terminal. */
async function showEvidence(
  { output, host }: CommandContext,
  tminus: Tminus,
  sha256: string,
): Promise<ExitCode> {
  const content = await tminus.evidence(sha256.toLowerCase());
  if (content === undefined) {
    throw new TminusError("USAGE_INVALID", `there is no evidence with the SHA-256 ${clean(sha256)}`, {
      hint: "tminus show <run> --step <id> lists the evidence of a step, each with its full SHA-256.",
    });
  }
  const lines = content.replace(/\n$/, "").split("\n");
  output.result({ evidence: sha256.toLowerCase(), content }, host.stdout.isTty ? lines.map(clean) : lines);
  return 0;
}
