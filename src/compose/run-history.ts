import type { GateContext } from "../model/gate-kind.ts";
import { listAttempts, listRuns } from "../store/runs.ts";
import { findPool, type StatePlace } from "./state-place.ts";

export type RunHistory = Pick<GateContext<unknown>, "runs" | "attempts">;

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
