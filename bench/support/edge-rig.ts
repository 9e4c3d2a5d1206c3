import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/lib/clock.ts";
import { request } from "../../src/lib/http.ts";
import { spawnDetached, terminate } from "../../src/lib/process.ts";
import { EdgeClient, type EdgeStatus } from "../../src/providers/local/edge-client.ts";
import { freePort } from "../../src/providers/local/free-port.ts";
import { createLocalTarget, localTargetSchema } from "../../src/providers/local/index.ts";
import { createLayout } from "../../src/providers/local/layout.ts";
import type { LocalTarget } from "../../src/providers/local/local-target.ts";

const upstreamProgram = fileURLToPath(new URL("./upstream-child.ts", import.meta.url));
const upstreamCommand = [process.execPath, "--disable-warning=ExperimentalWarning", upstreamProgram];
const ENVIRONMENT = "bench";
const ANSWER_LIMIT_MS = 10_000;

export const fence = { environment: ENVIRONMENT, token: 1 };

export interface EdgeRig {
  target: LocalTarget;
  client: EdgeClient;
  url: string;
  port: number;
  status: EdgeStatus;
  /** Ports of the releases v1 (which has all traffic) and v2. */
  upstreamPorts: number[];
}

/** An edge with two releases behind it, stopped when `cleanUp` is disposed of. */
export async function openEdgeRig(
  folder: string,
  cleanUp: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<EdgeRig> {
  for (const release of ["v1", "v2"]) await mkdir(join(folder, "releases", release), { recursive: true });
  const port = await freePort("127.0.0.1", folder);
  const config = localTargetSchema.parse({
    kind: "local",
    port,
    directory: "releases/{release}",
    command: upstreamCommand,
    healthPath: "/",
    stopGrace: "1s",
  });
  const handle = createLocalTarget({
    environment: ENVIRONMENT,
    config,
    stateDirectory: folder,
    projectDirectory: folder,
    clock: systemClock,
    redact: (text) => text,
  });
  cleanUp.defer(() => handle.shutdown());
  const { target } = handle;
  for (const release of ["v1", "v2"]) {
    await target.stage(`bench-${release}`, release, {
      fence,
      signal,
      variables: {},
      progress: () => undefined,
    });
  }
  await target.shift([{ release: "v1", percent: 100 }], fence, signal);
  const client = new EdgeClient(createLayout(folder, ENVIRONMENT).sockets);
  const status = await client.status();
  if (status === undefined) throw new Error("the edge does not run");
  const upstreamPorts = ["v1", "v2"].map(
    (release) => status.document.routes.find((route) => route.release === release)!.port,
  );
  return { target, client, url: `http://127.0.0.1:${port}`, port, status, upstreamPorts };
}

/** The same application once more, with nothing in front of it. */
export async function startPlainUpstream(
  folder: string,
  cleanUp: AsyncDisposableStack,
): Promise<{ pid: number; port: number }> {
  const port = await freePort("127.0.0.1", `${folder}/plain`);
  const identity = await spawnDetached(upstreamCommand, {
    env: { PORT: String(port), RELEASE_ID: "plain" },
    logFile: join(folder, "plain.log"),
  });
  cleanUp.defer(() => terminate(identity, 1_000));
  return { pid: identity.pid, port };
}

/** Resolves when something answers 200 at the port. */
export async function untilAnswering(port: number): Promise<void> {
  const until = systemClock.monotonicMs() + ANSWER_LIMIT_MS;
  while (systemClock.monotonicMs() < until) {
    const answer = await request({ url: `http://127.0.0.1:${port}/`, timeoutMs: 1_000, fresh: true });
    if (answer.kind === "response" && answer.status === 200) return;
    await systemClock.sleep(20);
  }
  throw new Error(`nothing answers at port ${port}`);
}
