import type { ExitCode } from "../../error-codes.ts";
import { placeOf, type CommandContext } from "../command-context.ts";
import { followRun } from "../follow-run.ts";
import { pickRun } from "../pick-run.ts";

/** Shows a run until it ends. Also sees to it that somebody executes it, so it brings back a run whose worker died. */
export async function watch(context: CommandContext, id: string | undefined): Promise<ExitCode> {
  const tminus = await context.open();
  const run = await pickRun(context, tminus, id);
  context.output.note(placeOf(tminus, run.environment));
  if (run.state !== "ended") await tminus.ensureWorker();
  return followRun(context, tminus, run);
}
