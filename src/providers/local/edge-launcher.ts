import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { TminusError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { isAlive, spawnDetached, terminate, type ProcessIdentity } from "../../lib/process.ts";
import type { EdgeClient, EdgeStatus } from "./edge-client.ts";
import type { SuccessorCommand } from "./edge/succession.ts";
import { lastLines } from "./last-lines.ts";
import type { LocalLayout } from "./layout.ts";

const START_DEADLINE_MS = 10_000;
const POLL_MS = 20;
/** How long the edge of a controller that was faster may take to answer, once ours gave way to it. */
const OTHER_STARTS_MS = 1_000;

export interface EdgeSettings {
  host: string;
  port: number;
  trustForwarded: boolean;
  metricsPort?: number | undefined;
  /** How long a replaced edge may go on answering what it has accepted. */
  drainMs: number;
}

/** What starting an edge needs. */
export interface EdgeContext {
  layout: LocalLayout;
  client: EdgeClient;
  clock: Clock;
}

/**
 * The running edge, started when there is none. Throws TARGET_CONFLICT when it cannot start (port in use) and
 * TARGET_UNREACHABLE when one runs but does not answer.
 */
export async function startEdge(context: EdgeContext, settings: EdgeSettings): Promise<EdgeStatus> {
  const running = await context.client.status();
  if (running !== undefined && !running.draining) return running;
  const command = edgeCommand(context.layout, settings, false);
  return started(context, await spawnDetached(command.argv, command), () => true);
}

/**
 * Puts a new edge process in the place of the running one, which starts it, without losing a request: the new one
 * goes on with the socket that the public connects to, unless host or port change. If it does not start, the running
 * one serves on. Errors as startEdge.
 */
export async function replaceEdge(context: EdgeContext, settings: EdgeSettings): Promise<EdgeStatus> {
  const running = await context.client.status();
  if (running === undefined || running.draining) return startEdge(context, settings);
  const identity = await context.client.startSuccessor(edgeCommand(context.layout, settings, true));
  if (identity === undefined) return startEdge(context, settings); // it has ended meanwhile
  return started(context, identity, (status) => status.pid !== running.pid);
}

/** Waits until this process, or that of another controller in its place, serves; ends it if it does not. */
async function started(
  { layout, client, clock }: EdgeContext,
  identity: ProcessIdentity,
  isExpected: (status: EdgeStatus) => boolean,
): Promise<EdgeStatus> {
  const until = clock.monotonicMs() + START_DEADLINE_MS;
  let lastAliveMs = clock.monotonicMs();
  while (clock.monotonicMs() < until) {
    const status = await client.status();
    if (status !== undefined && !status.draining && isExpected(status)) {
      // another controller may have been faster; then its edge is as good as ours, once ours has given way
      if (status.pid === identity.pid || !isAlive(identity)) return status;
    }
    if (isAlive(identity)) lastAliveMs = clock.monotonicMs();
    else if (clock.monotonicMs() - lastAliveMs > OTHER_STARTS_MS) break;
    await clock.sleep(POLL_MS);
  }
  await terminate(identity, 0);
  throw await didNotStart(layout, identity);
}

function edgeCommand(layout: LocalLayout, settings: EdgeSettings, replace: boolean): SuccessorCommand {
  const argv = [
    process.execPath,
    ...(edgeProgram().endsWith(".ts") ? ["--disable-warning=ExperimentalWarning"] : []),
    edgeProgram(),
    "--host",
    settings.host,
    "--port",
    String(settings.port),
    "--document",
    layout.document,
    "--socket-folder",
    layout.sockets,
    "--history-folder",
    layout.edgeHistory,
    "--drain-ms",
    String(settings.drainMs),
    ...(settings.metricsPort === undefined ? [] : ["--metrics-port", String(settings.metricsPort)]),
    ...(settings.trustForwarded ? ["--trust-forwarded"] : []),
    ...(replace ? ["--replace"] : []),
  ];
  return {
    argv,
    cwd: layout.root,
    env: { PATH: process.env.PATH ?? "", TZ: process.env.TZ ?? "UTC" },
    logFile: layout.edgeLog,
  };
}

/** The program beside this module, as source or compiled. */
function edgeProgram(): string {
  const source = fileURLToPath(new URL("./edge/main.ts", import.meta.url));
  return existsSync(source) ? source : fileURLToPath(new URL("./edge/main.js", import.meta.url));
}

async function didNotStart(layout: LocalLayout, identity: ProcessIdentity): Promise<TminusError> {
  const output = await lastLines(layout.edgeLog, 12);
  const inUse = output.includes("EADDRINUSE");
  return new TminusError("TARGET_CONFLICT", `the edge (process ${identity.pid}) did not start: ${output}`, {
    hint: inUse
      ? "Another program uses the port of this target; stop it, or choose another port in the runbook."
      : `Read ${layout.edgeLog}.`,
  });
}
