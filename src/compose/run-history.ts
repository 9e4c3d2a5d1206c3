import type { GateContext } from "../model/gate-kind.ts";
import type { Run } from "../model/run.ts";
import { listRuns } from "../store/run-list.ts";
import { listAttempts } from "../store/runs.ts";
import { findPool, type StatePlace } from "./state-place.ts";

export type RunHistory = Pick<GateContext<unknown>, "runs" | "attempts">;

/** More than wait for one environment in earnest. */
const MAX_ACTIVE = 200;

/** See Tminus.activeRuns. */
export async function activeRuns(place: StatePlace, environment: string): Promise<Run[]> {
  const pool = await findPool(place);
  if (pool === undefined) return [];
  const meant = { project: place.project, environment, state: "active" } as const;
  return (await listRuns(pool, meant, MAX_ACTIVE)).reverse();
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
