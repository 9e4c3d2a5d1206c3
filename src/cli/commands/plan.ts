import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { TminusError } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import { isBlocked, planText } from "../../report/plan-text.ts";
import { aheadText } from "../output/ahead-text.ts";
import { environmentOf, placeOf, type CommandContext } from "../command-context.ts";

/** Makes a plan, shows it, and with `output` writes it to a file. Exit code 3 when it is blocked. */
export async function plan(
  context: CommandContext,
  {
    release,
    output: file,
    emergency,
    at,
  }: { release: string; output?: string; emergency?: boolean; at?: string },
): Promise<ExitCode> {
  const { output, host, cancelled } = context;
  const tminus = await context.open();
  const environment = environmentOf(context, tminus);
  output.note(placeOf(tminus, environment));
  const made = await tminus.plan({
    environment,
    release,
    purpose: "deploy",
    inEmergency: emergency === true,
    ...(at === undefined ? {} : { at }),
    signal: cancelled,
    progress: (text) => output.note(text),
  });
  if (file !== undefined) {
    await writePlan(resolve(host.directory, file), `${JSON.stringify(made, undefined, 2)}\n`);
    output.note(`plan written to ${file}; deploy exactly this with: tminus deploy --plan ${file}`);
  }
  const blocked = isBlocked(made);
  const active = await tminus.activeRuns(environment);
  const ahead = active.map(({ id, state, waitingFor }) => ({
    run: id,
    state,
    ...(waitingFor?.until === undefined ? {} : { until: waitingFor.until }),
  }));
  output.result({ plan: made, blocked, ahead }, [...planText(made, output), ...aheadText(made, active)]);
  return blocked ? 3 : 0;
}

async function writePlan(path: string, content: string): Promise<void> {
  try {
    await writeFile(path, content, { mode: 0o600 });
  } catch (error) {
    throw new TminusError("USAGE_INVALID", `the plan could not be written: ${String(error)}`, {
      hint: "Name a file in a folder that exists and may be written to.",
      cause: error,
    });
  }
}
