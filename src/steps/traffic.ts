import { TminusError } from "../errors.ts";
import type { PlanInput } from "../model/plan.ts";
import type { DeployTarget, TrafficState } from "../model/ports.ts";

export type Routes = TrafficState["routes"];

/** The traffic as it was seen when planning. `routes` is null when nothing was ever deployed. */
export type TrafficFacts = { state: "seen"; routes: Routes | null } | { state: "unknown"; reason: string };

/** Reads only. */
export async function gatherTraffic(target: DeployTarget): Promise<TrafficFacts> {
  const seen = await target.traffic();
  if (seen.state === "unknown") return { state: "unknown", reason: seen.reason };
  return { state: "seen", routes: seen.state === "absent" ? null : liveRoutes(seen.value.routes) };
}

/** Throws TARGET_UNREACHABLE: without knowing what is live nothing may be stopped or replaced. */
export async function liveNow({ target }: { target: DeployTarget }): Promise<Routes> {
  const now = await target.traffic();
  if (now.state === "unknown")
    throw new TminusError("TARGET_UNREACHABLE", `it is not known what is live: ${now.reason}`);
  return now.state === "absent" ? [] : liveRoutes(now.value.routes);
}

/** What makes a plan stale when somebody else changes the traffic. */
export function trafficInput(facts: TrafficFacts): PlanInput {
  return { name: "live release", digest: facts.state === "unknown" ? "unknown" : sayRoutes(facts.routes) };
}

/** Why a step that needs to know the traffic cannot be planned. */
export function trafficBlocks(facts: TrafficFacts): { reason: string; fix: string }[] {
  if (facts.state === "seen") return [];
  return [{ reason: `it is not known what is live: ${facts.reason}`, fix: "run tminus doctor" }];
}

/** Those that really get traffic. */
export function liveRoutes(routes: Routes): Routes {
  return routes.filter(({ percent }) => percent > 0);
}

/** "v2 10 %, v1 90 %". */
export function sayRoutes(routes: Routes | null): string {
  if (routes === null || routes.length === 0) return "nothing";
  return routes.map(({ release, percent }) => `${release} ${percent} %`).join(", ");
}

/** Whether every release gets the same share; the order is the target's affair. */
export function sameShares(one: Routes, other: Routes): boolean {
  const shares = (routes: Routes): string =>
    liveRoutes(routes)
      .map(({ release, percent }) => `${percent} ${release}`)
      .sort()
      .join("\n");
  return shares(one) === shares(other);
}

/**
 * `release` gets `percent`, the others of `before` share the rest in their old proportion, in whole percents
 * by largest remainder. When there are no others, `release` gets everything. The release comes first.
 */
export function routesWith(release: string, percent: number, before: Routes): Routes {
  const others = liveRoutes(before).filter((route) => route.release !== release);
  if (others.length === 0 || percent === 100) return [{ release, percent: 100 }];
  return [{ release, percent }, ...liveRoutes(shareOut(100 - percent, others))];
}

function shareOut(total: number, weights: Routes): Routes {
  const sum = weights.reduce((so, { percent }) => so + percent, 0);
  const shares = weights.map(({ release, percent }) => {
    const exact = (total * percent) / sum;
    return { release, percent: Math.floor(exact), rest: exact - Math.floor(exact) };
  });
  let left = total - shares.reduce((so, { percent }) => so + percent, 0);
  for (const share of [...shares].sort((a, b) => b.rest - a.rest)) {
    if (left === 0) break;
    share.percent++;
    left--;
  }
  return shares.map(({ release, percent }) => ({ release, percent }));
}
