import type { Clock } from "../../lib/clock.ts";
import { loadDocument } from "./edge/document-file.ts";
import type { EdgeControl } from "./edge-control.ts";
import type { Instances } from "./instances.ts";
import type { LocalLayout } from "./layout.ts";

/** An instance that ends again and again is started again at these intervals, the last one repeating. */
const PAUSES_MS = [0, 1_000, 5_000, 15_000, 60_000] as const;

export interface KeepServingOptions {
  layout: LocalLayout;
  instances: Instances;
  edge: EdgeControl;
  clock: Clock;
}

/**
 * Returns a function that starts again what must serve and has ended by itself: the edge, and every instance
 * that has traffic or stands by for a rollback. Given the application's variables; safe to repeat at any rate.
 */
export function createKeepServing(
  options: KeepServingOptions,
): (variables: Record<string, string>) => Promise<void> {
  const { layout, instances, edge, clock } = options;
  const revivals = new Map<string, { times: number; atMs: number }>();
  const isDue = (key: string): boolean => {
    const last = revivals.get(key);
    if (last === undefined) return true;
    const pauseMs = PAUSES_MS[Math.min(last.times, PAUSES_MS.length - 1)]!;
    return clock.monotonicMs() - last.atMs >= pauseMs;
  };
  return async (variables) => {
    const { routes } = await loadDocument(layout.document);
    const needed = new Set(
      routes.filter((route) => route.weightPercent > 0 || route.standby).map(({ instance }) => instance),
    );
    for (const record of await instances.list()) {
      if (!needed.has(record.instance) || !isDue(record.key)) continue;
      if (!(await instances.revive(record, variables))) continue;
      revivals.set(record.key, {
        times: (revivals.get(record.key)?.times ?? 0) + 1,
        atMs: clock.monotonicMs(),
      });
    }
    await edge.restore();
  };
}
