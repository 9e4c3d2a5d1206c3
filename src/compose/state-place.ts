import { join } from "node:path";
import { clusterStatus } from "../store/embedded/cluster-status.ts";
import type { Pool } from "../store/pool.ts";
import type { Environment } from "./secrets.ts";
import type { State } from "./state.ts";

/** Where the state of a project is, or would be. */
export interface StatePlace {
  project: string;
  stateDirectory: string;
  environment: Environment;
  state: () => Promise<State>;
}

/** For whoever only looks: undefined where there is no state, because looking must not make one. Errors: STATE_UNAVAILABLE. */
export async function findPool(place: StatePlace): Promise<Pool | undefined> {
  return (await hasState(place)) ? (await place.state()).pool : undefined;
}

async function hasState({ stateDirectory, environment }: StatePlace): Promise<boolean> {
  const shared = environment.TMINUS_DATABASE_URL;
  if (shared !== undefined && shared !== "") return true;
  return (await clusterStatus(join(stateDirectory, "postgres"))) !== "absent";
}
