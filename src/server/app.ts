import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { TminusError } from "../errors.ts";
import { newApi, type Api } from "./api.ts";
import { jsonComponent } from "./contract/plan.ts";
import { addHealth } from "./health.ts";
import { httpStatus } from "./http-status.ts";
import { metricsText } from "./metrics.ts";
import { identity } from "./middleware/identity.ts";
import { limitBodies } from "./middleware/limit-body.ts";
import { limitRates } from "./middleware/limit-rates.ts";
import { once } from "./middleware/once.ts";
import { permit } from "./middleware/permit.ts";
import { sameOrigin } from "./middleware/same-origin.ts";
import { strictHeaders } from "./middleware/secure-headers.ts";
import { addKill } from "./routes/kill.ts";
import { wellFormedAddress, wellFormedJson } from "./middleware/well-formed.ts";
import { routes } from "./routes/registry.ts";
import { addOidc } from "./routes/oidc.ts";
import { addSession } from "./routes/session.ts";
import type { ServerPorts } from "./server-ports.ts";
import { logFailure, toldError } from "./told-error.ts";

/** Plans are the largest bodies. */
const BODIES = {
  bytes: 16 * 1024 * 1024,
  strangerBytes: 16 * 1024,
  largeBytes: 1024 * 1024,
  largeAtOnce: 2,
};
/** A plan of a thousand steps has about 50 000 values. */
const JSON_LIMITS = { depth: 64, values: 250_000 };

/** The server's HTTP face, without the console's files: the API under /api, health, metrics. */
export function createApp(ports: ServerPorts): Api {
  const { tminus, clock, limits, addressOf, hosts, log } = ports;
  const app = newApi();
  app.openAPIRegistry.registerComponent("schemas", "Json", jsonComponent);
  app.use(strictHeaders());
  app.onError((thrown, c) => {
    // Of the library that reads requests: what was sent is not what its header says.
    const isTheirs = thrown instanceof HTTPException && thrown.status < 500;
    const error = isTheirs ? new TminusError("USAGE_INVALID", thrown.message, { cause: thrown }) : thrown;
    logFailure(c.req, error, log);
    return tell(c, error);
  });
  // Returned: what is thrown here passes by the headers where no other route fits.
  app.notFound((c) =>
    tell(c, new TminusError("RESOURCE_UNKNOWN", `there is nothing at ${c.req.path.slice(0, 200)}`)),
  );
  addHealth(app, ports);

  app.use("/api/*", async (c, next) => {
    c.header("Cache-Control", "no-store");
    await next();
  });
  app.use("/api/*", wellFormedAddress());
  app.use("/api/*", sameOrigin(hosts));
  app.use(
    "/api/*",
    limitRates({
      points: limits.requestsPerMinute,
      seconds: 60,
      // Counted by themselves: pages that look do not keep anybody from stopping.
      addressOf: (c) => (isSignal(c) ? `signals of ${addressOf(c)}` : addressOf(c)),
    }),
  );
  app.use("/api/*", identity(ports));
  app.use("/api/*", limitBodies(BODIES));
  app.use("/api/*", wellFormedJson(JSON_LIMITS));
  const open = newApi();
  addSession(open, ports);
  addOidc(open, ports);
  app.route("/api", open);
  const api = newApi();
  api.use(once(ports));
  for (const add of routes) add(api, ports);
  if (ports.kill !== undefined) addKill(api, ports.kill);
  app.route("/api", api);
  app.get("/api/openapi.json", (c) => c.json(documentOf(app, ports.version)));
  app.get("/metrics", sameOrigin(hosts), identity(ports), permit("read"), async (c) => {
    const { text, contentType } = await metricsText(tminus, clock);
    return c.body(text, 200, { "content-type": contentType });
  });
  return app;
}

/** Whether it is what a person tells a run: to hold, to stop, to go back, to go on. */
function isSignal({ req }: Context): boolean {
  return req.method === "POST" && /^\/api\/runs\/[^/]+\/signals$/.test(req.path);
}

function tell(c: Context, error: unknown): Response {
  const told = toldError(error);
  return c.json({ error: told }, httpStatus(told.code) as 400);
}

/** What the API is, as OpenAPI 3.1. */
export function documentOf(app: Pick<Api, "getOpenAPI31Document">, version: string): object {
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "tminus", version, description: "The same verbs as the command line." },
  });
}
