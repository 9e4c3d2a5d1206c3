import type { Clock } from "../lib/clock.ts";
import { hasCode } from "../errors.ts";
import type { DeployTarget, TrafficState } from "../model/ports.ts";
import type { Observed } from "../model/verdict.ts";
import { openEnvironment, type EnvironmentOptions } from "./environment.ts";

const TRAFFIC_PATIENCE_MS = 3_000;

/** Without the variables when one of them has no value here: looking at what is live may not need them. */
export function openForReading(options: EnvironmentOptions): ReturnType<typeof openEnvironment> {
  try {
    return openEnvironment(options);
  } catch (error) {
    if (!hasCode(error, "SECRET_MISSING")) throw error;
    const { context } = options;
    const environment = { ...context.environment, variables: {} };
    return openEnvironment({ ...options, context: { ...context, environment } });
  }
}

/** What the target says within a few seconds; a target that is busy or silent is not known. */
export async function trafficNow(target: DeployTarget, clock: Clock): Promise<Observed<TrafficState>> {
  const over = new AbortController();
  const late = clock.sleep(TRAFFIC_PATIENCE_MS, over.signal).then(
    () => ({
      state: "unknown" as const,
      reason: `the target did not answer within ${TRAFFIC_PATIENCE_MS / 1000} s`,
    }),
    () => ({ state: "unknown" as const, reason: "" }),
  );
  const asked = target
    .traffic()
    .catch((error: unknown) => ({ state: "unknown" as const, reason: String(error) }));
  const answer = await Promise.race([asked, late]);
  over.abort(new Error("answered"));
  return answer;
}
