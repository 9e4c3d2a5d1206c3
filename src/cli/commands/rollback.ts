import { TminusError, toErrorRecord } from "../../errors.ts";
import { deadline } from "../../lib/clock.ts";
import type { ExitCode } from "../../error-codes.ts";
import type { Run } from "../../model/run.ts";
import type { RollbackLine, Tminus } from "../../model/tminus.ts";
import { environmentFilter, environmentOf, placeOf, type CommandContext } from "../command-context.ts";
import { identify } from "../identify.ts";
import { confirmChange, willAsk } from "../confirm.ts";
import { exitOfOutcome } from "../exit-code.ts";
import { followRun } from "../follow-run.ts";
import { runJson } from "../output/json.ts";
import { activeRuns } from "../pick-run.ts";
import { sendSignal } from "../send-signal.ts";
import { startRun, type StartOptions } from "../start-run.ts";

/** How many runs are looked through for the release before the live one. */
const LOOK_BACK = 100;
/** Longer than a database is given to count; people wait for it with a broken release. */
const PREVIEW_PATIENCE_MS = 20_000;
const WORDS = { undo: "undo   ", keep: "keep   ", refuse: "refuse ", unknown: "unknown" } as const;

export interface RollbackOptions extends StartOptions {
  to?: string;
  note: string;
  preview?: boolean;
}

/**
 * An active run is told to undo what it did; its exit code is then 0 once it has rolled back. Without one, a
 * plan back to an earlier release is made, shown and deployed.
 */
export async function rollback(
  context: CommandContext,
  id: string | undefined,
  options: RollbackOptions,
): Promise<ExitCode> {
  const tminus = await context.open();
  const named = id === undefined ? undefined : await tminus.findRun(id, environmentFilter(context, tminus));
  const environment = named?.environment ?? environmentOf(context, tminus);
  const active = await activeRuns(tminus, environment);
  // The newest run that has the environment; a queued one has changed nothing yet.
  const running =
    named?.state === "ended" ? undefined : (named ?? active.find(({ state }) => state !== "queued"));
  if (running !== undefined) return undoActive(context, tminus, running, options);
  if (options.preview === true) {
    throw new TminusError(
      "USAGE_INVALID",
      `no run is active in ${environment}, so there is nothing to undo`,
      {
        hint: "tminus rollback makes a plan back to an earlier release and shows it before it asks.",
      },
    );
  }
  const release = options.to ?? releaseBefore(named) ?? (await previousRelease(tminus, environment));
  context.output.note(placeOf(tminus, environment));
  const progress = (text: string): void => context.output.note(text);
  const plan = await tminus.plan({
    environment,
    release,
    purpose: "rollback",
    signal: context.cancelled,
    progress,
  });
  if (plan.live.some(({ release: live, percent }) => live === release && percent === 100)) {
    throw new TminusError(
      "USAGE_INVALID",
      `${release} has all traffic already: there is nothing to go back to`,
      {
        hint: "Name an earlier release: tminus rollback --to <release>. tminus log lists the runs.",
      },
    );
  }
  return startRun(context, tminus, plan, options);
}

/** What was live before a run; nothing when it deployed again what was live already. */
function releaseBefore(run: Run | undefined): string | undefined {
  const { previousRelease: before, release } = run?.plan ?? {};
  return before === release ? undefined : before;
}

async function undoActive(
  context: CommandContext,
  tminus: Tminus,
  run: Run,
  options: RollbackOptions,
): Promise<ExitCode> {
  const { previousRelease } = run.plan;
  if (options.to !== undefined && options.to !== previousRelease) {
    throw new TminusError(
      "USAGE_INVALID",
      `run ${run.id} is active and goes back to ${previousRelease ?? "what was there before"}, not to ${options.to}`,
      {
        hint: `Roll the run back first (tminus rollback ${run.id}), then: tminus rollback --to ${options.to}.`,
      },
    );
  }
  const actor = await identify(context, tminus, options);
  if (options.preview === true) {
    const lines = await preview(context, tminus, run);
    context.output.result({ run: runJson(run), rollback: lines, exitCode: 0 }, previewText(run, lines));
    return 0;
  }
  // Where nobody is asked, nobody decides by it: an emergency does not wait until rows are counted.
  if (willAsk(context, run.plan.environment, options))
    for (const line of previewText(run, await preview(context, tminus, run))) context.output.line(line);
  await confirmChange(context, run.plan.environment, `roll back run ${run.id}`, options);
  const body = { kind: "rollback", note: options.note } as const;
  if (options.detach === true) return sendSignal(context, tminus, run, body, actor);
  await tminus.send(run.id, body, actor);
  // To have rolled back is what was asked for.
  return followRun(context, tminus, run, (outcome) =>
    outcome === "rolled-back" ? 0 : exitOfOutcome(outcome),
  );
}

/** What stops only the looking must not stop a rollback: it is told, and the rollback goes on. */
async function preview(context: CommandContext, tminus: Tminus, run: Run): Promise<RollbackLine[]> {
  context.output.note("counting what rolling back would lose");
  try {
    const lines = await tminus.previewRollback(run.id, deadline(PREVIEW_PATIENCE_MS, context.cancelled));
    context.cancelled.throwIfAborted();
    return lines;
  } catch (error) {
    context.cancelled.throwIfAborted();
    const text = `what rolling back does and loses could not be found out: ${toErrorRecord(error).message}`;
    return [{ stepId: "", title: "", what: "unknown", text, rowsLost: null }];
  }
}

function previewText(run: Run, lines: readonly RollbackLine[]): string[] {
  if (lines.length === 0) return [`run ${run.id} has changed nothing that would be undone`];
  return lines.map(({ stepId, what, text }) =>
    [WORDS[what], stepId, text].filter((part) => part !== "").join("  "),
  );
}

/**
 * The release that was live before the one that is: what the live one's own deploy replaced, never a release
 * that was rolled back from, and not the live one itself when it was deployed twice. Errors: USAGE_INVALID when no run tells.
 */
async function previousRelease(tminus: Tminus, environment: string): Promise<string> {
  const { runs } = await tminus.listRuns({ environment, outcome: "succeeded", limit: LOOK_BACK });
  const live = runs[0]?.release;
  const deploy = runs.find(
    ({ purpose, release, previousRelease: before }) =>
      purpose === "deploy" && release === live && before !== release,
  );
  if (deploy?.previousRelease !== undefined) return deploy.previousRelease;
  throw new TminusError("USAGE_INVALID", `no release of ${environment} before the live one is known`, {
    hint: "Name the release: tminus rollback --to <release>.",
  });
}
