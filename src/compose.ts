/** The only place that wires the rooms together; see compose/. */
import type { RunWorkerOptions } from "./compose/worker.ts";

export { openTminus } from "./compose/tminus.ts";
export { runbookKinds } from "./compose/project.ts";
export { shutDownProject } from "./compose/shut-down.ts";

/**
 * See compose/worker.ts. Loaded on the first call: the durable engine is a large library, and every other
 * command does without.
 */
export async function runWorker(options: RunWorkerOptions): Promise<"stopped" | "idle"> {
  const worker = await import("./compose/worker.ts");
  return worker.runWorker(options);
}
