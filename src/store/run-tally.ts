import type { RunOutcome, RunState } from "../model/run.ts";
import type { RunTally } from "../model/run-tally.ts";
import { query, type Pool } from "./pool.ts";

/** Of the environments into which there was a run, without reading any plan. */
export async function tallyRuns(pool: Pool, project: string): Promise<Map<string, RunTally>> {
  const tallies = new Map<string, RunTally>();
  const tallyOf = (environment: string): RunTally => {
    const known = tallies.get(environment) ?? { unended: {} };
    tallies.set(environment, known);
    return known;
  };
  const unended = await query<{ environment: string; state: RunState; runs: number }>(
    pool,
    `select environment, state, count(*)::int as runs from tminus.run
     where ended_at is null and project = $1 group by environment, state`,
    [project],
  );
  for (const { environment, state, runs } of unended) tallyOf(environment).unended[state] = runs;
  const last = await query<{ environment: string; outcome: RunOutcome; ended_at: Date }>(
    pool,
    // From environment to environment through the index: all its other runs are passed over.
    `with recursive place as (
       (select environment from tminus.run where project = $1 order by environment limit 1)
       union all
       select (select r.environment from tminus.run r where r.project = $1 and r.environment > place.environment
               order by r.environment limit 1)
         from place where place.environment is not null)
     select last.* from place cross join lateral (
       select environment, outcome, ended_at from tminus.run r
       where r.project = $1 and r.environment = place.environment and r.ended_at is not null
       order by r.created_at desc, r.id desc limit 1) last`,
    [project],
  );
  for (const { environment, outcome, ended_at: endedAt } of last)
    tallyOf(environment).last = { outcome, endedAt };
  return tallies;
}
