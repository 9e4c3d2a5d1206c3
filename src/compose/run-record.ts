import type { Run } from "../model/run.ts";
import type { Tminus } from "../model/tminus.ts";
import type { RunRecord } from "../report/deploy-log.ts";

/** Everything that a deploy log is made of. */
export async function recordOf(tminus: Tminus, run: Run): Promise<RunRecord> {
  return {
    run,
    events: await tminus.events(run.id, 0),
    attempts: await tminus.attempts(run.id),
    watched: await tminus.watched(run.id),
  };
}
