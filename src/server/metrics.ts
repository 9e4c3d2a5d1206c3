import { Gauge, Registry } from "prom-client";
import type { Clock } from "../lib/clock.ts";
import { isOverdue } from "../model/follow-up.ts";
import type { Tminus } from "../model/tminus.ts";

const STATES = ["queued", "running", "waiting", "held", "rolling-back"] as const;

/** What /metrics says, asked of the state each time; in the text format of Prometheus. */
export async function metricsText(
  tminus: Pick<Tminus, "project" | "environments" | "tallyRuns" | "lock" | "followUps">,
  clock: Clock,
): Promise<{ text: string; contentType: string }> {
  const registry = new Registry();
  registry.setDefaultLabels({ project: tminus.project });
  const runs = gauge(registry, "tminus_runs", "Runs that have not ended, by state", ["environment", "state"]);
  const last = gauge(registry, "tminus_last_run_succeeded", "Whether the last run that ended succeeded", [
    "environment",
  ]);
  const age = gauge(registry, "tminus_last_run_ended_seconds", "When the last run ended, since 1970", [
    "environment",
  ]);
  const locked = gauge(registry, "tminus_environment_locked", "Whether nothing may be deployed", [
    "environment",
  ]);
  const overdue = gauge(
    registry,
    "tminus_tasks_overdue",
    "Tasks after deploys that should be done by now",
    [],
  );
  const tallies = await tminus.tallyRuns();
  for (const environment of tminus.environments) {
    const tally = tallies.get(environment);
    for (const state of STATES) runs.set({ environment, state }, tally?.unended[state] ?? 0);
    if (tally?.last !== undefined) {
      last.set({ environment }, tally.last.outcome === "succeeded" ? 1 : 0);
      age.set({ environment }, tally.last.endedAt.getTime() / 1000);
    }
    locked.set({ environment }, (await tminus.lock(environment)) === undefined ? 0 : 1);
  }
  const now = clock.now();
  overdue.set((await tminus.followUps()).filter((task) => isOverdue(task, now)).length);
  return { text: await registry.metrics(), contentType: registry.contentType };
}

function gauge<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: Label[],
): Gauge<Label> {
  return new Gauge({ name, help, labelNames, registers: [registry] });
}
