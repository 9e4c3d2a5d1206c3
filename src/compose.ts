/** The only place that wires the rooms together; see compose/. */
export { openTminus } from "./compose/tminus.ts";
export { runWorker } from "./compose/worker.ts";
export { runbookKinds } from "./compose/project.ts";
export { shutDownProject } from "./compose/shut-down.ts";
