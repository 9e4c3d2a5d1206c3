import type { Tminus } from "../model/tminus.ts";
import { newApi, type Api } from "./api.ts";

export interface HealthPorts {
  tminus: Pick<Tminus, "listRuns">;
  /** Aborted when the process begins to end. */
  closing: AbortSignal;
}

/** For load balancers and supervisors; they say nothing that is anybody's business. */
export function addHealth(app: Api, { tminus, closing }: HealthPorts): void {
  app.get("/healthz", (c) => c.text("alive\n"));
  app.get("/readyz", async (c) => {
    if (closing.aborted) return c.text("ending\n", 503);
    return tminus.listRuns({ limit: 1 }).then(
      () => c.text("ready\n"),
      () => c.text("the state database does not answer\n", 503),
    );
  });
}

/** What a worker without the API serves. */
export function healthApp(ports: HealthPorts): Api {
  const app = newApi();
  addHealth(app, ports);
  return app;
}
