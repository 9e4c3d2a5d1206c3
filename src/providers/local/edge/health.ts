import { performance } from "node:perf_hooks";
import type { Routing } from "./routing.ts";

const INTERVAL_MS = 100;

/**
 * Every 100 ms, looks whether each instance takes connections, unless it answered within that time. Returns
 * what stops it.
 */
export function startHealthLoop(routing: Routing): () => void {
  const timer = setInterval(() => {
    const now = performance.now();
    for (const instance of routing.instances) {
      if (!instance.healthy || now - instance.lastAnswerMs > INTERVAL_MS) instance.probe();
    }
    routing.sweep();
  }, INTERVAL_MS);
  return () => clearInterval(timer);
}
