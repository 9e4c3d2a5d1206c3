import { sqlStateOf } from "../session/connect.ts";
import type { CanaryRecord } from "./rehearsal.ts";
import type { Workbench } from "./workbench.ts";

/** Queries of the application that were prepared before the change, as its pool does it. */
export interface Canaries {
  /** Runs those that worked before; answers those that do not work any more. The next round starts prepared anew. */
  check(file: string): Promise<CanaryRecord[]>;
}

/** What PostgreSQL answers on a connection that prepared a query whose columns have changed. */
const STALE_PLAN = "0A000";

/** Prepares the queries that work now; `limits` says which do not, and why. Parameters ($1) are given as NULL. */
export async function prepareCanaries(
  bench: Workbench,
  queries: readonly string[],
): Promise<{ canaries: Canaries; limits: string[] }> {
  let working: string[] = [];
  const limits: string[] = [];
  for (const query of queries) {
    const problem = await firstTry(bench, query, working.length);
    if (problem === undefined) working.push(query);
    else limits.push(`the query does not work before the change: ${query}: ${problem}`);
  }
  return {
    limits,
    canaries: {
      async check(file) {
        const records: CanaryRecord[] = [];
        const left: string[] = [];
        for (const [index, query] of working.entries()) {
          const stale = await refused(bench, execute(query, index));
          await refused(bench, `deallocate canary_${index}`);
          const broken =
            stale === undefined ? undefined : await firstTry(bench, query, left.length + working.length);
          if (broken !== undefined) records.push({ query, file, outcome: "broken", reason: broken });
          else left.push(query);
          if (broken === undefined && stale?.startsWith(STALE_PLAN) === true)
            records.push({ query, file, outcome: "stale-plan", reason: stale });
        }
        await bench.query("deallocate all");
        working = left;
        for (const [index, query] of working.entries()) await firstTry(bench, query, index);
        return records;
      },
    },
  };
}

async function firstTry(bench: Workbench, query: string, index: number): Promise<string | undefined> {
  return (
    (await refused(bench, `prepare canary_${index} as ${query.replace(/;\s*$/, "")}`)) ??
    (await refused(bench, execute(query, index)))
  );
}

function execute(query: string, index: number): string {
  const parameters = Math.max(0, ...[...query.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
  const values = Array.from({ length: parameters }, () => "null").join(", ");
  return `execute canary_${index}${parameters === 0 ? "" : `(${values})`}`;
}

async function refused(bench: Workbench, sql: string): Promise<string | undefined> {
  try {
    await bench.query(sql);
    return undefined;
  } catch (error) {
    const state = sqlStateOf(error);
    if (state === undefined || !(error instanceof Error)) throw error;
    return `${state} ${error.message}`;
  }
}
