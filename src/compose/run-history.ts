import type { GateContext } from "../model/gate-kind.ts";
import type { Run } from "../model/run.ts";
import { listAttempts, listRuns } from "../store/runs.ts";
import { findPool, type StatePlace } from "./state-place.ts";

export type RunHistory = Pick<GateContext<unknown>, "runs" | "attempts">;

/** How many are looked through for those that are active. */
const LOOK_BACK = 50;

/** See Tminus.activeRuns. */
export async function activeRuns(place: StatePlace, environment: string): Promise<Run[]> {
  const found = await runHistory(place).runs({ environment, limit: LOOK_BACK });
  return found.filter(({ state }) => state !== "ended").reverse();
}

/** The project's runs for gates. Makes no state where there was none: nothing was ever run there. Errors: STATE_UNAVAILABLE. */
export function runHistory(place: StatePlace): RunHistory {
  return {
    async runs({ environment, limit }) {
      const pool = await findPool(place);
      return pool === undefined ? [] : listRuns(pool, { project: place.project, environment }, limit);
    },
    async attempts(runId) {
      const pool = await findPool(place);
      return pool === undefined ? [] : listAttempts(pool, runId);
    },
  };
}
