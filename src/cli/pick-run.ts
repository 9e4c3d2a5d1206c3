import { TminusError } from "../errors.ts";
import type { Run } from "../model/run.ts";
import type { Tminus } from "../model/tminus.ts";
import { environmentFilter, type CommandContext } from "./command-context.ts";

/** More are not active at once in earnest. */
const MAX_ACTIVE = 200;

/**
 * The run that a command is about: the one named, else the only active one for which `isMeant` holds, else
 * the newest. Errors: RUN_UNKNOWN, USAGE_INVALID when several are meant, ENVIRONMENT_UNKNOWN.
 */
export async function pickRun(
  context: CommandContext,
  tminus: Tminus,
  id: string | undefined,
  isMeant: (run: Run) => boolean = () => true,
): Promise<Run> {
  const environment = environmentFilter(context, tminus);
  if (id !== undefined) return tminus.findRun(id, environment);
  const active = (await activeRuns(tminus, environment)).filter(isMeant);
  const holders = active.filter(({ state }) => state !== "queued");
  const candidates = holders.length > 0 ? holders : active;
  const [first, second] = candidates;
  if (first === undefined) return tminus.findRun(undefined, environment);
  if (second === undefined) return first;
  const list = candidates.map((run) => `${run.id} (${run.environment}, ${run.plan.release})`).join(", ");
  throw new TminusError("USAGE_INVALID", `more than one run could be meant: ${list}`, {
    hint: "Name the run, or the environment with --env.",
    details: { runs: candidates.map((run) => run.id) },
  });
}

/** Runs that have not ended, oldest first. */
export async function activeRuns(tminus: Tminus, environment: string | undefined): Promise<Run[]> {
  const runs = await tminus.runs({ environment, state: "active", limit: MAX_ACTIVE });
  return runs.reverse();
}
