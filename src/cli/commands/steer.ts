import type { ExitCode } from "../../error-codes.ts";
import { type CommandContext } from "../command-context.ts";
import { identify, type IdentityOptions } from "../identify.ts";
import { confirmChange, type Confirmation } from "../confirm.ts";
import { pickRun } from "../pick-run.ts";
import { sendSignal } from "../send-signal.ts";

export interface SteerOptions extends Confirmation, IdentityOptions {
  note: string;
}

/** Holds a run before its next step, or stops it and has it undo what it did. Only stopping is confirmed. */
export async function steer(
  context: CommandContext,
  kind: "hold" | "abort",
  id: string | undefined,
  options: SteerOptions,
): Promise<ExitCode> {
  const tminus = await context.open();
  const actor = await identify(context, tminus, options);
  const run = await pickRun(context, tminus, id);
  if (kind === "abort" && run.state !== "ended") {
    await confirmChange(context, run.plan.environment, `abort run ${run.id}`, options);
  }
  return sendSignal(context, tminus, run, { kind, note: options.note }, actor);
}
