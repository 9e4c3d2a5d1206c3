import type { Tminus } from "../model/tminus.ts";
import type { Pool } from "../store/pool.ts";
import { listEndedDeploys, listRunPage, listRuns } from "../store/run-list.ts";
import { tallyRuns } from "../store/run-tally.ts";
import { findRunId } from "../store/runs.ts";

type RunLists = Pick<Tminus, "runs" | "listRuns" | "endedDeploys" | "tallyRuns">;
type Asked = Parameters<Tminus["listRuns"]>[0];

/** What lists of the project's runs are made of. */
export function openRunLists(pool: () => Promise<Pool>, project: string): RunLists {
  const meantBy = async ({ before, ...filter }: Asked) => ({
    ...filter,
    project,
    ...(before === undefined ? {} : { before: await findRunId(await pool(), before, { project }) }),
  });
  return {
    runs: async (asked) => listRuns(await pool(), await meantBy(asked), asked.limit),
    listRuns: async (asked) => listRunPage(await pool(), await meantBy(asked), asked.limit),
    endedDeploys: async ({ since, limit, ...filter }) =>
      listEndedDeploys(await pool(), { ...filter, project }, since, limit),
    tallyRuns: async () => tallyRuns(await pool(), project),
  };
}
