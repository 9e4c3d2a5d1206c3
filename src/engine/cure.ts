import { deadline } from "../lib/clock.ts";
import type { Reading, ReleaseCounters } from "../model/ports.ts";
import type { Verdict } from "../model/verdict.ts";
import type { RunExecution } from "./execution.ts";

/** After a rollback the share of failed requests must be below this to count as back to normal. */
const MAX_ERROR_PERCENT = 1;
const LOOK_EVERY_MS = 250;
const LOOK_TIMEOUT_MS = 3_000;

/**
 * Observes the service for the plan's cure window after a rollback: own probes of the public URL, and the
 * share of failed requests in the target's signals over the window. Requirement F3.
 */
export async function checkCure(execution: RunExecution): Promise<Verdict> {
  const { ports, environment, run, lost } = execution;
  const until = ports.clock.monotonicMs() + run.plan.rollback.cureMs;
  const before = await readAll(execution);
  let probes = 0;
  let failures = 0;
  let silent = 0;
  let silence = "";
  do {
    const answer = await ports.probe(environment.view.url, LOOK_TIMEOUT_MS, lost);
    probes++;
    if (answer.state === "silent") {
      silence = answer.reason;
      silent++;
    }
    if (answer.state === "silent" || answer.status >= 500) failures++;
    await ports.clock.sleep(LOOK_EVERY_MS, lost);
  } while (ports.clock.monotonicMs() < until);
  const after = await readAll(execution);

  const { requests, errors, unread } = growth(before, after);
  const evidence = { probes, failedProbes: failures, requests, errors };
  if (silent === probes) {
    return {
      verdict: "unknown",
      reason: `the service did not answer once in ${probes} probes: ${silence}`,
      evidence,
    };
  }
  if (failures > 0)
    return { verdict: "fail", reason: `${failures} of ${probes} probes failed after the rollback`, evidence };
  if (unread !== undefined)
    return { verdict: "unknown", reason: `it could not be measured: ${unread}`, evidence };
  const percent = requests === 0 ? 0 : (100 * errors) / requests;
  if (percent >= MAX_ERROR_PERCENT) {
    return {
      verdict: "fail",
      reason: `${percent.toFixed(2)} % of ${requests} requests still fail after the rollback`,
      evidence,
    };
  }
  const measured =
    requests === 0 ? "no other traffic was measured" : `${errors} of ${requests} requests failed`;
  return { verdict: "pass", reason: `${probes} probes answered well, ${measured}`, evidence };
}

async function readAll({ environment, lost }: RunExecution): Promise<Reading[]> {
  return Promise.all(
    Object.values(environment.signals).map((source) => source.read(deadline(LOOK_TIMEOUT_MS, lost))),
  );
}

/**
 * What was added between two readings of the same sources, over all releases. A restarted counter counts from
 * 0. `unread` is why a source could not be read at one of the two moments; then nothing of it is counted.
 */
function growth(
  before: Reading[],
  after: Reading[],
): { requests: number; errors: number; unread: string | undefined } {
  let requests = 0;
  let errors = 0;
  let unread: string | undefined;
  after.forEach((reading, index) => {
    const earlier = before[index];
    for (const one of [earlier, reading]) if (one?.state === "error") unread ??= one.reason;
    if (reading.state !== "counters" || earlier?.state === "error") return;
    for (const [release, counters] of Object.entries(reading.releases)) {
      const old = earlier?.state === "counters" ? earlier.releases[release] : undefined;
      requests += increase(old, counters, "requests");
      errors += increase(old, counters, "errors");
    }
  });
  return { requests, errors, unread };
}

function increase(
  old: ReleaseCounters | undefined,
  now: ReleaseCounters,
  field: "requests" | "errors",
): number {
  if (old === undefined || now[field] < old[field]) return now[field];
  return now[field] - old[field];
}
