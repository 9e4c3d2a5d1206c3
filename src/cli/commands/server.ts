import { TminusError } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import { notHere } from "../../client/not-here.ts";
import { Secret } from "../../lib/redact.ts";
import type { CommandContext } from "../command-context.ts";

export interface ServerOptions {
  host: string;
  port: number;
  role: "web" | "worker" | "all";
  publicUrl?: string;
  oidcIssuer?: string;
  oidcClient?: string;
  console: boolean;
  requestsPerMinute: number;
  killable?: true;
  healthPort?: number;
}

const LOOPBACK = ["127.0.0.1", "::1", "localhost"];

/** Serves the API and the console, executes runs, or both, until it is told to end. */
export async function server(
  context: CommandContext,
  version: string,
  options: ServerOptions,
): Promise<ExitCode> {
  const { host, output, cancelled } = context;
  const { host: address, port, role, publicUrl, console: withConsole, requestsPerMinute } = options;
  const oidc = oidcOf(host.environment, options);
  if (options.healthPort !== undefined && role !== "worker")
    throw new TminusError("USAGE_INVALID", "--health-port is for --role worker", {
      hint: "What serves the API has /healthz and /readyz at its own address.",
    });
  const url = publicUrl === undefined ? undefined : parsed(publicUrl);
  if (url === undefined && !LOOPBACK.includes(address))
    throw new TminusError(
      "USAGE_INVALID",
      `--host ${address} is reached by others, over a connection that is not encrypted`,
      {
        hint: "Listen on 127.0.0.1 behind a proxy that encrypts, and name it with --public-url https://….",
      },
    );
  if ((host.environment.TMINUS_URL ?? "") !== "") throw notHere("serving");
  const tminus = await context.open();
  const log = (line: string): void => output.line(`${host.clock.now().toISOString()} ${line}`);
  const ending = new AbortController();
  const stop = AbortSignal.any([cancelled, ending.signal]);
  const parts: Promise<void>[] = [];
  if (role !== "worker") {
    const [{ serve }, { usualLimits, usualTimeouts }] = await Promise.all([
      import("../../server/serve.ts"),
      import("../../server/server-ports.ts"),
    ]);
    const running = await serve({
      tminus,
      clock: host.clock,
      host: address,
      port,
      ...(url === undefined ? {} : { publicUrl: url }),
      withConsole,
      ...(options.killable === true ? { kill: () => process.kill(process.pid, "SIGKILL") } : {}),
      ...(oidc === undefined ? {} : { oidc }),
      limits: { ...usualLimits, requestsPerMinute },
      timeouts: usualTimeouts,
      version,
      stop,
      log,
    });
    parts.push(running.ended);
    const lines = [`listening on ${running.url}`];
    if (running.setUpUrl !== undefined) lines.push(`make the first user: ${running.setUpUrl}`);
    output.result({ url: running.url, setUpUrl: running.setUpUrl ?? null, role, pid: process.pid }, lines);
  }
  const worked = new AbortController();
  if (options.healthPort !== undefined) {
    const [{ serveHealth }, { usualTimeouts }] = await Promise.all([
      import("../../server/serve.ts"),
      import("../../server/server-ports.ts"),
    ]);
    const listening = { host: address, port: options.healthPort, timeouts: usualTimeouts };
    // Whoever supervises it would take it for dead while it ends.
    const health = await serveHealth({ tminus, ...listening, closing: stop, stop: worked.signal });
    parts.push(health.ended);
    log(`health at ${health.url}/healthz and ${health.url}/readyz`);
  }
  if (role !== "web") {
    const working = work(context, tminus.stateDirectory, stop, log);
    parts.push(working.finally(() => worked.abort(new Error("the worker has ended"))));
  }
  // One part does not go on without the other: whoever supervises the server starts it again.
  const ended = parts.map((part) => part.finally(() => ending.abort(new Error("the server ends"))));
  await Promise.allSettled(ended);
  await Promise.all(ended);
  return 0;
}

async function work(
  { host }: CommandContext,
  stateDirectory: string,
  stop: AbortSignal,
  log: (line: string) => void,
): Promise<void> {
  const { runWorker } = await import("../../compose.ts");
  const environment = host.environment;
  const ended = await runWorker({ stateDirectory, environment, idleMs: 0, stop, log });
  log(`the worker ends: ${ended}`);
}

function oidcOf(
  { TMINUS_OIDC_CLIENT_SECRET: secret }: Record<string, string | undefined>,
  { oidcIssuer, oidcClient }: ServerOptions,
) {
  if (oidcIssuer === undefined && oidcClient === undefined) return undefined;
  const issuer = oidcIssuer !== undefined && URL.canParse(oidcIssuer) ? new URL(oidcIssuer) : undefined;
  const isSafe = issuer?.protocol === "https:" || LOOPBACK.includes(issuer?.hostname ?? "");
  if (issuer === undefined || !isSafe || oidcClient === undefined || secret === undefined || secret === "")
    throw new TminusError(
      "USAGE_INVALID",
      "an identity provider needs its https address, a client and a secret",
      {
        hint: "Write --oidc-issuer https://… --oidc-client <id>, and set TMINUS_OIDC_CLIENT_SECRET.",
      },
    );
  const clientSecret = new Secret(secret, "env:TMINUS_OIDC_CLIENT_SECRET");
  return { issuer, clientId: oidcClient, clientSecret };
}

function parsed(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:" && url.pathname === "/") return url;
  throw new TminusError("USAGE_INVALID", `--public-url ${text} is not the address of a server`, {
    hint: "Write it like https://deploys.example.com.",
  });
}
