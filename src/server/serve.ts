import type { AddressInfo } from "node:net";
import { createAdaptorServer, type ServerType } from "@hono/node-server";
import { getConnInfo } from "@hono/node-server/conninfo";
import type { Clock } from "../lib/clock.ts";
import { deadline, whenAborted } from "../lib/clock.ts";
import { TminusError } from "../errors.ts";
import type { Tminus } from "../model/tminus.ts";
import { createApp } from "./app.ts";
import { addConsole } from "./console-files.ts";
import { healthApp, type HealthPorts } from "./health.ts";
import { openOidc, type OidcSettings } from "./oidc.ts";
import type { RateLimits, Timeouts } from "./server-ports.ts";
import { newSetUpCode } from "./set-up-code.ts";

/** How long requests under way may take when the server ends. */
const GRACE_MS = 5_000;
/** How often is looked for clients that take too long. */
const CHECK_MS = 1_000;

export interface ServeOptions {
  tminus: Tminus;
  clock: Clock;
  /** The address to listen on, and 0 for any free port. */
  host: string;
  port: number;
  /** Under which people reach it through a proxy that encrypts: its host is answered to, and the proxy's word for who asks is taken. */
  publicUrl?: URL;
  withConsole: boolean;
  /** How people may sign in beside passwords. */
  oidc?: OidcSettings;
  limits: RateLimits;
  /** Ends the process at once; only where somebody starts it again. */
  kill?: () => void;
  timeouts: Timeouts;
  version: string;
  /** Ends the server: streams at once, requests under way within five seconds. */
  stop: AbortSignal;
  log: (line: string) => void;
}

export interface RunningServer {
  url: string;
  /** Makes the first user; undefined when there are users. */
  setUpUrl: string | undefined;
  /** Resolves when all is closed, after `stop`. */
  ended: Promise<void>;
}

/** Serves the API and the console until `stop` aborts. Errors: USAGE_INVALID when it cannot listen, CONSOLE_MISSING. */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { tminus, clock, host, port, publicUrl, stop, log } = options;
  const setUp = newSetUpCode();
  let url = "";
  const hosts: string[] = publicUrl === undefined ? [] : [publicUrl.host];
  const app = createApp({
    tminus,
    clock,
    setUp,
    oidc: options.oidc === undefined ? undefined : openOidc(options.oidc),
    url: () => url,
    hosts,
    addressOf: (c) => {
      // The last one is the proxy's own; those before it are whatever the sender wrote.
      const forwarded =
        publicUrl === undefined ? undefined : c.req.header("x-forwarded-for")?.split(",").at(-1);
      return forwarded?.trim() ?? getConnInfo(c).remote.address ?? "unknown";
    },
    limits: options.limits,
    kill: options.kill,
    closing: stop,
    version: options.version,
    log,
  });
  if (options.withConsole) addConsole(app, hosts);
  const { headersMs, requestMs } = options.timeouts;
  const serverOptions = {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: CHECK_MS,
  };
  const server = createAdaptorServer({ fetch: app.fetch, serverOptions });
  const bound = await listen(server, host, port, "--port");
  hosts.push(...namesOf(host, bound));
  url = publicUrl?.origin ?? `http://${hosts[0]}`;
  const isSetUp = await tminus.people.hasUsers();
  return {
    url,
    setUpUrl: isSetUp ? undefined : `${url}/setup#${setUp.code}`,
    ended: whenAborted(stop).then(() => close(server)),
  };
}

/**
 * Serves a worker's health alone until `stop` aborts; from when `closing` aborts on it says that it is not ready. Errors:
 * USAGE_INVALID when it cannot listen.
 */
export async function serveHealth({
  host,
  port,
  timeouts: { headersMs, requestMs },
  stop,
  ...ports
}: Pick<ServeOptions, "host" | "port" | "timeouts" | "stop"> & HealthPorts): Promise<
  Pick<RunningServer, "url" | "ended">
> {
  const serverOptions = { headersTimeout: headersMs, requestTimeout: requestMs };
  const server = createAdaptorServer({ fetch: healthApp(ports).fetch, serverOptions });
  const bound = await listen(server, host, port, "--health-port");
  return { url: `http://${namesOf(host, bound)[0]}`, ended: whenAborted(stop).then(() => close(server)) };
}

function namesOf(host: string, port: number): string[] {
  const names = ["127.0.0.1", "::1", "0.0.0.0", "::"].includes(host)
    ? ["127.0.0.1", "localhost", "[::1]"]
    : [host];
  return names.map((name) => `${name}:${port}`);
}

async function listen(
  server: ServerType,
  host: string,
  port: number,
  option: "--port" | "--health-port",
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      reject(
        new TminusError("USAGE_INVALID", `cannot listen on ${host}:${port}: ${error.message}`, {
          hint: `Choose another port with ${option}; 0 takes any that is free.`,
          cause: error,
        }),
      );
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

async function close(server: ServerType): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  if ("closeIdleConnections" in server) server.closeIdleConnections();
  await Promise.race([closed, whenAborted(deadline(GRACE_MS))]);
  if ("closeAllConnections" in server) server.closeAllConnections();
  await closed;
}
