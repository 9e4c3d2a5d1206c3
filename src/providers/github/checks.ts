import * as z from "zod";
import type { Check } from "../../model/scm.ts";
import type { Observed } from "../../model/verdict.ts";
import type { Api } from "./api.ts";
import { observed } from "./observed.ts";

const MAX_PAGES = 20;

const runsSchema = z.object({
  total_count: z.int(),
  check_runs: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      conclusion: z.string().nullable(),
      html_url: z.string().nullish(),
    }),
  ),
});

const statusesSchema = z.object({
  total_count: z.int(),
  statuses: z.array(z.object({ context: z.string(), state: z.string(), target_url: z.string().nullish() })),
});

/** Check runs and commit statuses together: which of the two a service reports is its own choice. */
export async function readChecks(api: Api, commit: string, signal: AbortSignal): Promise<Observed<Check[]>> {
  const runs = await api.list(
    `commits/${commit}/check-runs?filter=latest`,
    {
      schema: runsSchema,
      itemsOf: ({ check_runs }) => check_runs,
      totalOf: ({ total_count }) => total_count,
      maxPages: MAX_PAGES,
    },
    signal,
  );
  if (!runs.ok) return observed(runs);
  const statuses = await api.list(
    `commits/${commit}/status`,
    {
      schema: statusesSchema,
      itemsOf: ({ statuses }) => statuses,
      totalOf: ({ total_count }) => total_count,
      maxPages: MAX_PAGES,
    },
    signal,
  );
  if (!statuses.ok) return observed(statuses);
  return {
    state: "present",
    value: [
      ...runs.value.map(({ name, status, conclusion, html_url }): Check => ({
        name,
        state: stateOfRun(status, conclusion),
        word: conclusion ?? status,
        url: html_url ?? undefined,
      })),
      ...statuses.value.map(({ context, state, target_url }): Check => ({
        name: context,
        state: state === "success" ? "passed" : state === "pending" ? "pending" : "failed",
        word: state,
        url: target_url ?? undefined,
      })),
    ],
  };
}

/** What is not known to be good is not: a word that GitHub may add later counts as failed. */
function stateOfRun(status: string, conclusion: string | null): Check["state"] {
  if (status !== "completed") return "pending";
  if (conclusion === "success") return "passed";
  return conclusion === "skipped" || conclusion === "neutral" ? "skipped" : "failed";
}
