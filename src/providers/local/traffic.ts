import { TminusError } from "../../errors.ts";
import type { TrafficState } from "../../model/ports.ts";
import type { EdgeRoute } from "./edge/document.ts";
import type { InstanceRecord } from "./instance-store.ts";

/** Throws TARGET_CONFLICT unless the shares are whole percents of different releases that add up to 100. */
export function assertShares(shares: TrafficState["routes"]): void {
  const total = shares.reduce((sum, share) => sum + share.percent, 0);
  const whole = shares.every((share) => Number.isInteger(share.percent) && share.percent >= 0);
  const distinct = new Set(shares.map((share) => share.release)).size === shares.length;
  if (total === 100 && whole && distinct) return;
  throw new TminusError(
    "TARGET_CONFLICT",
    "shares must be whole percents of different releases, together 100",
  );
}

/** The shares that a document gives, without the releases that have none. */
export function sharesOf(routes: readonly EdgeRoute[]): TrafficState["routes"] {
  const shares = new Map<string, number>();
  for (const { release, weightPercent } of routes) {
    if (weightPercent > 0) shares.set(release, (shares.get(release) ?? 0) + weightPercent);
  }
  return [...shares].map(([release, percent]) => ({ release, percent }));
}

/** The routes with an instance that has just become healthy: in front, without traffic. */
export function withInstance(routes: readonly EdgeRoute[], record: InstanceRecord): EdgeRoute[] {
  const known = routes.find((route) => route.instance === record.instance);
  if (known === undefined) return [routeOf(record), ...routes];
  // the same instance after a restart may have another port
  return routes.map((route) =>
    route === known ? { ...known, host: record.host, port: record.port } : route,
  );
}

export function withoutInstance(routes: readonly EdgeRoute[], instance: string): EdgeRoute[] {
  return routes.filter((route) => route.instance !== instance);
}

/**
 * The routes that give each serving instance its percent and all others none, the newest instance first: it
 * takes the buckets from 0 up, so that a growing share keeps the clients it has. An instance that has once had
 * all traffic may stand in for others from then on.
 */
export function routesForShares(
  routes: readonly EdgeRoute[],
  serving: readonly { record: InstanceRecord; percent: number }[],
  newestFirst: readonly InstanceRecord[],
): EdgeRoute[] {
  let all = [...routes];
  for (const { record } of serving) all = withInstance(all, record);
  const rank = (route: EdgeRoute): number => {
    const index = newestFirst.findIndex((record) => record.instance === route.instance);
    return index === -1 ? newestFirst.length : index;
  };
  return all
    .map((route) => {
      const weightPercent = serving.find(({ record }) => record.instance === route.instance)?.percent ?? 0;
      return { ...route, weightPercent, standby: route.standby || weightPercent === 100 };
    })
    .sort((a, b) => rank(a) - rank(b));
}

/**
 * The instances to stop: those without traffic, except the newest healthy one of each release in `keep` that is
 * not serving anyway, and of these at most `keepWarm`.
 */
export function surplus(options: {
  /** The newest first. */
  records: readonly InstanceRecord[];
  routes: readonly EdgeRoute[];
  /** By instance. */
  healthy: ReadonlyMap<string, boolean>;
  keep: readonly string[];
  keepWarm: number;
}): InstanceRecord[] {
  const { records, routes, healthy, keep, keepWarm } = options;
  const weightOf = (record: InstanceRecord): number =>
    routes.find((route) => route.instance === record.instance)?.weightPercent ?? 0;
  const idle = records.filter((record) => weightOf(record) === 0);
  const serving = new Set(records.filter((record) => weightOf(record) > 0).map((record) => record.release));
  const warm = keep
    .filter((release) => !serving.has(release))
    .map((release) =>
      idle.find((record) => record.release === release && healthy.get(record.instance) === true),
    )
    .filter((record) => record !== undefined)
    .slice(0, keepWarm);
  return idle.filter((record) => !warm.includes(record));
}

function routeOf(record: InstanceRecord): EdgeRoute {
  const { instance, release, host, port } = record;
  return { instance, release, host, port, weightPercent: 0, standby: false };
}
